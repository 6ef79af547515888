"""Screen types of the workloads."""
