"""Quotes text as Go's %q does, for the messages that show what a client sent."""

from __future__ import annotations

_ESCAPES = dict(zip('\a\b\f\n\r\t\v\\"', ("\\" + letter for letter in 'abfnrtv\\"'), strict=True))
_FIRST_LATIN, _FIRST_WIDE = 0x80, 0x1_0000


def quoted(text: str) -> str:
    """Return `text` between double quotes, with escapes for what cannot be printed."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < _FIRST_LATIN:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _FIRST_WIDE else f"\\U{code:08x}"
