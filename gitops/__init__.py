"""Decisions. Pure: values in, values out; no I/O, no clock, no randomness, no threads, no logging."""
