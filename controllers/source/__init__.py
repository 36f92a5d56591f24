"""Follow a branch: when to fetch, and what to tell the rest about the outcome."""

from controllers.source.follower import Follower, Source, Timing
from controllers.source.refs import RefWatch

__all__ = ["Follower", "RefWatch", "Source", "Timing"]
