"""What a cluster serves: kinds, their structural types, discovery and OpenAPI documents."""
