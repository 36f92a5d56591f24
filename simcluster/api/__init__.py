"""The verbs of the Kubernetes API over a store, without HTTP."""
