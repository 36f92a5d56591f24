"""Asks web addresses for the `http` gate: one GET, one sample."""
