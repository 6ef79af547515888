"""The benchmark's own small project: what a team would write to serve the workloads with Thali.

Its packages go by their full names (`composers = "benchmarks.thali.composers"` in bff.toml), so that no checker and no
interpreter confuses them with the demo's.
"""
