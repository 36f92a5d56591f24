"""Benchmarks on a real control plane. `make bench` prints their figures as JSON; nothing is asserted."""
