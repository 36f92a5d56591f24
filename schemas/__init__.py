"""JSON Schemas of what people write, generated from `gitops.model`."""
