"""The shell: looks, lets `gitops` decide, acts, reports."""
