"""A simulated Kubernetes API for demonstrations and tests. It is no Kubernetes, and says so everywhere."""
