"""Rollouts as a pure machine: events fold into a state; state and observation give events and work."""
