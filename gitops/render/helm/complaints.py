"""What Helm says when it fails → a place in the chart, and one sentence. Of versions 3 and 4."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gitops.render.helm.templates import barred_call

# `web/templates/x.yaml:12:8`, `(web/templates/x.yaml:12)`, `YAML parse error on web/templates/x.yaml:`.
_PLACE = re.compile(r"(?:^|(?<=[\s(]))([^\s():]+):(\d{1,9})(?::(\d{1,9}))?(?=[:)\s]|$)", re.MULTILINE)
_PARSE = re.compile(r"YAML parse error on ([^\n:]+): ")
# Of the chart itself: where a dependency's file is, these words do not say.
_LOAD = re.compile(r"^Error: cannot load ([\w.]+): (?:.*\byaml: line (\d{1,9}):)?")
_NOISE = re.compile(
    r"^(?:Use --debug flag|level=|time=|\d{4}/\d\d/\d\d |walk\.go|goroutine ).*$", re.MULTILINE
)
_UNKNOWN_HOOK = re.compile(r"skipping unknown hooks?\W+(?:hookTypes=)?\"?([^\"\n]*)")
_MOST = 8_000
"""Characters that are read: a chart says what it likes, and patterns take longer the longer a text is."""
_LEAD = re.compile(
    r"^(?:Error: )?(?:INSTALLATION FAILED: )?(?:execution error at |parse error at |template: )?"
)
_STEPS = re.compile(
    r"(?:template: )?[^\s():]+:\d+(?::\d+)?:?\s+executing \"[^\"]*\" at <.*?>:\s+"
    r"(?:error calling (?:include|tpl|template):\s+)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, and Helm's name for the file, or its path in the chart after `./`.

    `column` counts bytes from 0, as Go does; -1: none.
    """

    text: str
    template: str = ""
    line: int = 0
    column: int = -1


def complaint(said: str, known: Callable[[str], bool]) -> Complaint:
    """Read what Helm wrote on its error output; `known` tells names of templates from other words."""
    text = _NOISE.sub("", said if len(said) <= _MOST else _end(said)).strip()
    if hook := _UNKNOWN_HOOK.match(text):
        return Complaint(
            f"Helm does not know the hook {hook[1]} and leaves its objects out: remove the annotation (CRDs "
            "belong into crds/), or leave hooks out with spec.helm.hooks: Skip"
        )
    places = [found for found in _PLACE.finditer(text) if known(found[1])]
    called = barred_call(text)
    message = f"{called} is refused: a render must not depend on the cluster" if called else _message(text)
    if places:
        last = places[-1]
        return Complaint(message, last[1], int(last[2]), int(last[3]) if last[3] else -1)
    if load := _LOAD.match(text):
        return Complaint(message, f"./{load[1]}", int(load[2] or 0))
    parse = _PARSE.search(text)
    if parse and known(parse[1]):
        return Complaint(_PARSE.sub("", message, count=1).strip() or message, parse[1])
    return Complaint(message)


def _end(said: str) -> str:
    """The last step of a long way, whole: nobody would know the half of a secret."""
    steps = [found.start() for found in _STEPS.finditer(said[-_MOST:])]
    return said[-_MOST:][steps[-1] :] if steps else "it failed, and said too much to be shown"


def _message(text: str) -> str:
    """The last thing that went wrong: the way there is told by its place."""
    short = _LEAD.sub("", _STEPS.sub("", text))
    short = re.sub(r"^\(?[^\s():]+:\d+(?::\d+)?\)?:\s+", "", short)
    return " ".join(short.split()) or " ".join(text.split())
