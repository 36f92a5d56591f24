"""Role-based access control: which user may do what, by the Roles and bindings that a cluster holds."""
