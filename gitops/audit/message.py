"""Commit messages: a subject, paragraphs for people, trailers for machines. What is quoted adds no line."""

from __future__ import annotations

from collections.abc import Iterable

SUBJECT_LIMIT = 72
LINE_LIMIT = 1000


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Put foreign text on one line: control characters and runs of blanks become one blank, the rest is cut.

    A commit message built from it cannot gain a line, a paragraph or a trailer from what it quotes.
    """
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def compose(subject: str, paragraphs: Iterable[Iterable[str]], trailers: Iterable[tuple[str, str]]) -> str:
    """Write a whole message. Trailers are the last paragraph, as git-interpret-trailers(1) reads them.

    Empty paragraphs, and trailers without a value, are left out; the same trailer is written once.
    """
    blocks = [one_line(subject, SUBJECT_LIMIT)]
    blocks += [
        "\n".join(lines) for lines in ([_body_line(line) for line in block] for block in paragraphs) if lines
    ]
    pairs = [(key, one_line(value)) for key, value in trailers if one_line(value)]
    if pairs:
        blocks.append("\n".join(f"{key}: {value}" for key, value in dict.fromkeys(pairs)))
    return "\n\n".join(blocks) + "\n"


def _body_line(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + (one_line(line) or "-")
