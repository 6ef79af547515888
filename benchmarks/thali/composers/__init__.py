"""One workload's screen a file."""
