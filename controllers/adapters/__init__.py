"""What touches the world: each module wraps one outside party and translates its errors into ours."""
