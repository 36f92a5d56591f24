"""The words inside a template's actions, `{{ … }}`, as Go's text/template cuts them; nothing is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gitops.objects import Json
from gitops.pointers import Pointer

CLUSTER_FUNCTIONS = frozenset({"lookup", "getHostByName"})
"""Helm's functions whose answer depends on where and when they are asked."""
CHANGING_FUNCTIONS = frozenset(
    {
        *("ago", "bcrypt", "date", "dateInZone", "date_in_zone", "encryptAES", "genCA", "genCAWithKey"),
        *("genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert"),
        *("genSignedCertWithKey", "htmlDate", "htmlDateInZone", "htpasswd", "keys", "now", "randAlpha"),
        *("randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4", "values"),
    }
)
"""Functions that may answer otherwise the next time."""

CLOCK_FUNCTIONS = frozenset({"ago", "now"})
"""Those of them that ask the clock."""

_QUOTES = "\"`'"
_ANOTHER_TIME = '(toDate "2006-01-02 15:04:05" "2001-02-03 04:05:06")'
_MARK = 'call "gitops-waves: {}"'
_MARKED = re.compile(r'call "gitops-waves: (\w+)"')
# What may stand in an action: text, raw text, characters, a word with the dot or $ that makes it a field or
# a variable, the end; or text that does not end, with which Go stops. Everything else is of no interest one
# character at a time.
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"|`[^`]*`|\'(?:\\.|[^\'\\\n])*\'|[.$]?\w+|(?P<end>\}\})|(?P<open>["`\'])', re.DOTALL
)
# No blank but the trim marker's may stand before it: what is no comment to Go must be none here.
_COMMENT = re.compile(r"\{\{(?:-[ \t\r\n])?/\*")
_COMMENT_END = re.compile(r"(?:[ \t\r\n]-)?\}\}")


class Word(NamedTuple):
    """A name that stands for a function (or a keyword, or a constant), or a text, and where it begins."""

    text: str
    start: int


def words(template: str) -> Iterator[Word]:
    """Give the words in all actions: not fields, variables, texts and comments.

    A template that is cut off in the middle of an action gives what is there of it: Helm refuses it.
    """
    return (token for action in _actions(template) for token in action if not _is_text(token))


def quoted_words(template: str) -> Iterator[Word]:
    """Give the words in actions inside texts that an action gives to `tpl`; at the text's place."""
    for action in _actions(template):
        if not any(token.text == "tpl" for token in action):
            continue
        for token in filter(_is_text, action):
            inner = token.text[1:-1].replace('\\"', '"')
            for word in (*words(inner), *quoted_words(inner)):
                yield Word(word.text, token.start)


def called(value: Json, pointer: Pointer, functions: frozenset[str]) -> Iterator[tuple[Pointer, str]]:
    """Find texts in values that would call one of `functions` when a template gives them to `tpl`."""
    if isinstance(value, str):
        if "{{" in value:
            found = {word.text for word in (*words(value), *quoted_words(value))} & functions
            yield from ((pointer, name) for name in sorted(found))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from called(inner, (*pointer, key), functions)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from called(inner, (*pointer, index), functions)


def _is_text(token: Word) -> bool:
    return token.text[0] in _QUOTES


def _actions(template: str) -> Iterator[list[Word]]:
    """Give the words, and the texts with their quotes, of each action."""
    at = 0
    while (start := template.find("{{", at)) >= 0:
        if comment := _COMMENT.match(template, start):
            closing = template.find("*/", comment.end())
            end = _COMMENT_END.match(template, closing + 2) if closing >= 0 else None
            if end is None:
                return
            at = end.end()
            continue
        at = start + 2
        action: list[Word] = []
        while (token := _TOKEN.search(template, at)) is not None:
            at = token.end()
            if token["open"]:
                return
            if token["end"]:
                break
            if token[0][0] not in ".$":
                action.append(Word(token[0], token.start()))
        yield action
        if token is None:
            return


def barred(template: str) -> str:
    """Give the template with every call of CLUSTER_FUNCTIONS made one that fails, when it is executed.

    Library charts define helpers with such calls that nobody uses; these do no harm.
    """
    return _replaced(template, {name: _MARK.format(name) for name in CLUSTER_FUNCTIONS})


def at_another_time(template: str) -> str:
    """Give the template as if it were rendered years ago, as far as `now` says it."""
    return _replaced(template, {"now": _ANOTHER_TIME})


def _replaced(template: str, by: Mapping[str, str]) -> str:
    parts: list[str] = []
    kept = 0
    for word in words(template):
        if word.text in by:
            parts += (template[kept : word.start], by[word.text])
            kept = word.start + len(word.text)
    return "".join((*parts, template[kept:])) if parts else template


def unbarred(text: str) -> str:
    """Give a part of what `barred` gave as it was written."""
    return _MARKED.sub(r"\1", text)


def barred_call(message: str) -> str | None:
    """Name the function that a message of Helm's is about, where `barred` made it fail."""
    found = re.search(r'non-function "gitops-waves: (\w+)"', message)
    return found[1] if found else None
