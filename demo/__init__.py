"""`make demo`: the main job before your eyes, on real control planes. The controller needs nothing of it."""
