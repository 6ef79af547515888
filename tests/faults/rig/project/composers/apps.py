"""The rig's one app."""

from bff import App

rig = App("rig")
