"""What happens where an application's content meets a defect of the controller."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout import errands
from controllers.rollout.errands import Errands
from gitops.render import render_documents
from tests.unit.controllers.rollout.shop import Shop


async def test_a_defect_stops_one_application_and_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a problem of the application that meets it, named without what the content says."""
    render = render_documents

    def defective(*arguments: Any) -> Any:
        if arguments[1].name == "web":
            raise RecursionError("canary-7f3a")
        return render(*arguments)

    monkeypatch.setattr(errands, "render_documents", defective)
    checked = Errands("production", shop.revisions, Clusters({}), KnownSecrets())
    targets = ("eu-1/shop",)
    assert checked.check("api", shop.first, targets) == ()
    (problem,) = checked.check("web", shop.first, targets)
    assert problem == (
        "environments/production/web: cannot be rendered, by a defect of the controller (RecursionError): "
        "see its log"
    )
