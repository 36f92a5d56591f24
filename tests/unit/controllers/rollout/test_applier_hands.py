"""How many requests an apply has under way at once."""

from __future__ import annotations

import pytest

from controllers.rollout.applier import CONCURRENT_REQUESTS, _hands
from gitops.objects import ObjectKey
from gitops.plan import Action, ObjectPlan


@pytest.mark.parametrize(("objects", "hands"), [(1, 4), (20, 5), (100, 25), (1000, CONCURRENT_REQUESTS)])
def test_a_connection_is_opened_only_where_it_has_several_requests_to_carry(objects: int, hands: int) -> None:
    """Its TLS handshake costs more than a request: with a thousand clusters, most of the processor's time."""
    planned = ObjectPlan(ObjectKey("", "ConfigMap", "shop", "web"), Action.CREATE, because="")
    assert _hands((planned,) * objects) == hands
