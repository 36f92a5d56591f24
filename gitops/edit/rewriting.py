"""A file with one document that says something else, and every other byte as it was."""

from __future__ import annotations

from gitops.dialect import Document, parse
from gitops.edit.splicing import same, splices
from gitops.errors import InvalidInput, Refused
from gitops.objects import Json

_BOM = "\ufeff"


def rewrite(path: str, data: bytes, index: int, wanted: Json) -> bytes:
    """Make document number `index` of a YAML or JSON file say `wanted`, by the smallest change of its text.

    Comments, layout, quotes and order stay where nothing changes. The result is read again: Refused where
    it would not say exactly that, as where an alias makes one text stand for several values, with the place
    to change by hand. Raises InvalidInput for a file that cannot be read.
    """
    documents = parse(data, path)
    document = documents[index]
    if same(document.value, wanted):
        return data
    text = data.decode()
    ended = text.endswith("\n")
    text += "" if ended else "\n"  # as the reader has it
    start = _start(text, document)
    parts: list[str] = []
    done = 0
    for splice in splices(document, wanted):
        if start + splice.start < done:
            raise _by_hand(document)
        parts += (text[done : start + splice.start], splice.text)
        done = start + splice.end
    edited = "".join((*parts, text[done:] if ended else text[done:].removesuffix("\n"))).encode()
    if not _says(path, edited, documents, index, wanted):
        raise _by_hand(document)
    return edited


def _start(text: str, document: Document) -> int:
    """Where the document's text would begin in the file; its padding stands for what is before it."""
    body = text.removeprefix(_BOM)
    start = len(text) - len(body)
    for _ in range(document.first_line - 1):
        start = text.index("\n", start) + 1
    written = document.text.lstrip(" ")
    if not text.startswith(written, start + len(document.text) - len(written)):
        raise _by_hand(document)  # JSON with escaped surrogates, which are read as one character
    return start


def _says(path: str, edited: bytes, before: tuple[Document, ...], index: int, wanted: Json) -> bool:
    try:
        after = parse(edited, path)
    except InvalidInput:
        return False
    values = [wanted if number == index else one.value for number, one in enumerate(before)]
    return len(after) == len(values) and all(
        same(one.value, value) for one, value in zip(after, values, strict=True)
    )


def _by_hand(document: Document) -> Refused:
    return Refused(
        f"{document.locate()}: no small edit of this text says what it should "
        "(an anchor, an alias or a merge key, most likely): change it by hand"
    )
