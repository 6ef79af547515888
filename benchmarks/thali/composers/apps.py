"""The one app that the workloads use."""

from bff import App

bench = App("bench")
