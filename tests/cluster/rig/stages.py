"""What kwok plays: the Stages in `plays/`, with this rig's jq words put into them, and the containers' log.

A Pod chooses its play by the annotation `gitops-waves.io/play` (so: in the pod template), or by the end of an
image's tag, as in `registry.example/web:1.2-crash-loop`:

=====================  ====================================================================================
(nothing)              Ready after 0.8 s; a Job's Pod succeeds after 0.8 s
`ready-after-<time>`   the same after a time as Go writes it (`5s`, `1.5s`, `2m`); also the annotation
                       `gitops-waves.io/ready-after: 5s`
`never-ready`          runs, never passes its readiness probe; a Job's Pod runs for ever
`crash-loop`           exits with 1 at once, again and again, never Ready
`crash-after-ready`    Ready (`gitops-waves.io/ready-after` counts here too), 3 s later as `crash-loop`
`image-pull-error`     ErrImagePull, then ImagePullBackOff, for ever
`job-fails`            runs 0.8 s, then the Pod is Failed with exit code 1
=====================  ====================================================================================

All containers of a Pod play alike. Failures leave the Warning Events that a kubelet would. `pods/log` answers
with `LOG`, the same for every container.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "plays"
PLAYS = ("never-ready", "crash-loop", "crash-after-ready", "image-pull-error", "job-fails")
LOG = ("listening on :8080", "fatal: cannot reach the database")

# jq, for the upper-case words that the Stages are written with. In one place because kwok has no definitions
# that Stages share, and every one of them asks the same questions.
_SIGNS = (
    '(((.metadata.annotations // {})["gitops-waves.io/play"] // empty | "-" + .), (.spec.containers[].image))'
)
_PLAY = f'(first({_SIGNS} | capture("-(?<play>{"|".join(PLAYS)})$") | .play) // "ready")'
_READY_AFTER = (
    '((.metadata.annotations // {})["gitops-waves.io/ready-after"]'
    f' // first({_SIGNS} | capture("-ready-after-(?<time>[0-9.]+(ms|s|m))$") | .time))'
)
_OWNER = "(.metadata.ownerReferences[]? | .kind)"
_CONDITION = r"(.status.conditions[]? | select(.type == \1) | .status)"
_WORDS = {"PLAY": _PLAY, "READY_AFTER": _READY_AFTER, "OWNER": _OWNER}


def configuration(log_file: Path) -> str:
    """Return kwok's configuration: every Stage, and the log that all containers have."""
    stages = [
        _spell_out(stage)
        for path in sorted(FOLDER.glob("*.yaml"))
        for stage in yaml.safe_load_all(path.read_text())
    ]
    return "\n---\n".join(json.dumps(document) for document in [*stages, _logs(log_file)])


def log_file_text() -> str:
    """Return `LOG` as a container runtime writes it (CRI's log format)."""
    return "".join(f"2026-01-01T00:00:00.00000000{n}Z stdout F {line}\n" for n, line in enumerate(LOG))


def _spell_out(value: Any) -> Any:
    """Replace the upper-case words in every jq expression below `value`."""
    if isinstance(value, list):
        return [_spell_out(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _meaning(item) if name in {"key", "expressionFrom"} else _spell_out(item)
            for name, item in value.items()
        }
    return value


def _meaning(expression: str) -> str:
    text = re.sub(r'CONDITION\(("\w+")\)', _CONDITION, expression)
    return re.sub("|".join(_WORDS), lambda word: _WORDS[word[0]], text)


def _logs(log_file: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "every-container"},
        "spec": {"logs": [{"logsFile": str(log_file), "previousLogsFile": str(log_file)}]},
    }
