"""The app of all faulty screens."""

from bff import App

app = App("faulty")
