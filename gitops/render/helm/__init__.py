"""Charts: which files Helm reads, what it is told for one target, and what becomes of its output."""
