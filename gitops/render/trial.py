"""Try whether plain manifests render, from values alone: what can be done by another process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.kinds import Cluster
from gitops.model.targets import Target
from gitops.render.encrypted import first_encrypted
from gitops.render.plain import parse_file, parse_files, render_documents
from gitops.render.plaintext import refuse_plaintext


@dataclass(frozen=True, slots=True)
class Trial:
    """An application on its targets, with the content of its files by path."""

    environment: EnvironmentSource
    application: ApplicationSource
    targets: tuple[tuple[Target, Cluster], ...]
    contents: Mapping[str, bytes]

    @classmethod
    def of(
        cls,
        environment: EnvironmentSource,
        application: ApplicationSource,
        targets: Iterable[tuple[Target, Cluster]],
        contents: Mapping[str, bytes],
    ) -> Self:
        """Leave out what a render does not read: it would be sent along."""
        return cls(
            replace(environment, applications={}, document=None),
            replace(application, document=None),
            tuple(targets),
            contents,
        )


def succeeds(trial: Trial) -> bool:
    """Whether the application certainly renders on all its targets.

    False says only that somebody has to look: for a problem, for what is encrypted, for a defect of ours.
    """
    try:
        documents = parse_files(
            trial.application.files, lambda file: parse_file(file.path, trial.contents[file.path])
        )
        if first_encrypted(documents):
            return False
        refuse_plaintext(trial.environment, trial.application, documents)
        for target, cluster in trial.targets:
            render_documents(trial.environment, trial.application, target, cluster, documents)
    except Exception:  # noqa: BLE001 - whoever looks will meet it again, and tell
        return False
    return True
