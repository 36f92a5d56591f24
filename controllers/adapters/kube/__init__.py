"""The Kubernetes API: connections, discovery, verbs, watches. Decides nothing about what should run."""
