"""Workloads, peers and the harness that compares them: `python -m benchmarks --help`."""
