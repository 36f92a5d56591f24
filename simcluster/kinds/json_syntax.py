"""Says what is wrong with a text that is no JSON, in the words of Go's encoding/json."""

from __future__ import annotations

from dataclasses import dataclass

_END = "unexpected end of JSON input"
_SPACES = " \t\r\n"
_DIGITS = "0123456789"
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_ESCAPES = '"\\/bfnrt'
_HEX_DIGITS = "0123456789abcdefABCDEF"
_DEEPEST = 10_000
_FIRST_PRINTABLE = " "
_FIRST_LATIN = 0x80
_SHORT = dict(zip("\a\b\f\n\r\t\v\\", ("\\" + letter for letter in "abfnrtv\\"), strict=True))


class _Wrong(Exception):  # noqa: N818 - what the text is
    pass


def error(text: bytes) -> str:
    """Return the words for the first error in `text`; "" where it is JSON."""
    scanner = _Scanner(text.decode("latin-1"))  # Go looks at bytes
    try:
        scanner.document()
    except _Wrong as wrong:
        return str(wrong)
    return ""


@dataclass(slots=True)
class _Scanner:
    text: str
    at: int = 0

    def document(self) -> None:
        """Read one value and nothing after it. Nesting is a list of what to read next, not calls."""
        pending = ["value"]
        while pending:
            step = pending.pop()
            self.spaces()
            if step == "value":
                self.value(pending)
            elif step == "first key" and self.peek() == "}":
                self.at += 1
            elif step in ("key", "first key"):
                self.key(pending)
            elif step == "first item" and self.peek() == "]":
                self.at += 1
            elif step == "first item":
                pending += ["after item", "value"]
            else:
                self.after(step, pending)
            if len(pending) > _DEEPEST:
                raise _Wrong("exceeded max depth")
        self.spaces()
        if self.at < len(self.text):
            raise self.wrong("after top-level value")

    def peek(self) -> str:
        if self.at >= len(self.text):
            raise _Wrong(_END)
        return self.text[self.at]

    def wrong(self, where: str) -> _Wrong:
        return _Wrong(f"invalid character {_quoted(self.peek())} {where}")

    def spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACES:
            self.at += 1

    def value(self, pending: list[str]) -> None:
        char = self.peek()
        if char == "{":
            self.at += 1
            pending.append("first key")
        elif char == "[":
            self.at += 1
            pending.append("first item")
        elif char == '"':
            self.string()
        elif char in _LITERALS:
            self.literal(_LITERALS[char])
        elif char == "-" or char in _DIGITS:
            self.number()
        else:
            raise self.wrong("looking for beginning of value")

    def key(self, pending: list[str]) -> None:
        if self.peek() != '"':
            raise self.wrong("looking for beginning of object key string")
        self.string()
        self.spaces()
        if self.peek() != ":":
            raise self.wrong("after object key")
        self.at += 1
        pending += ["after member", "value"]

    def after(self, step: str, pending: list[str]) -> None:
        member = step == "after member"
        char = self.peek()
        if char == ",":
            pending += ["key"] if member else ["after item", "value"]
        elif char != ("}" if member else "]"):
            raise self.wrong("after object key:value pair" if member else "after array element")
        self.at += 1

    def literal(self, word: str) -> None:
        self.at += 1
        for expected in word[1:]:
            if self.peek() != expected:
                raise self.wrong(f"in literal {word} (expecting {_quoted(expected)})")
            self.at += 1

    def string(self) -> None:
        self.at += 1
        while (char := self.peek()) != '"':
            if char < _FIRST_PRINTABLE:
                raise self.wrong("in string literal")
            self.at += 1
            if char == "\\":
                self.escape()
        self.at += 1

    def escape(self) -> None:
        char = self.peek()
        if char == "u":
            for _ in range(4):
                self.at += 1
                if self.peek() not in _HEX_DIGITS:
                    raise self.wrong("in \\u hexadecimal character escape")
        elif char not in _ESCAPES:
            raise self.wrong("in string escape code")
        self.at += 1

    def number(self) -> None:
        if self.peek() == "-":
            self.at += 1
            if self.peek() not in _DIGITS:
                raise self.wrong("in numeric literal")
        if self.peek() == "0":
            self.at += 1
        else:
            self.digits()
        if self.next_is("."):
            self.at += 1
            if self.peek() not in _DIGITS:
                raise self.wrong("after decimal point in numeric literal")
            self.digits()
        if self.next_is("eE"):
            self.at += 1
            if self.peek() in "+-":
                self.at += 1
            if self.peek() not in _DIGITS:
                raise self.wrong("in exponent of numeric literal")
            self.digits()

    def next_is(self, chars: str) -> bool:
        return self.at < len(self.text) and self.text[self.at] in chars

    def digits(self) -> None:
        while self.next_is(_DIGITS):
            self.at += 1


def _quoted(char: str) -> str:
    """Quote a character as Go's encoding/json does in messages."""
    if char == "'":
        return "'\\''"
    if char == '"':
        return "'\"'"
    if char in _SHORT or char.isprintable():
        return f"'{_SHORT.get(char, char)}'"
    code = ord(char)
    return f"'\\x{code:02x}'" if code < _FIRST_LATIN else f"'\\u{code:04x}'"
