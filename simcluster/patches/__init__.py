"""The patches of the API: each takes an object and a patch, and gives a new object."""
