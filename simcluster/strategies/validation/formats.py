"""Formats of names, labels, keys and ports: each function returns what is wrong, in the server's words.

The rules are those of apimachinery's util/validation and api/validate/content.
"""

from __future__ import annotations

import re
from functools import lru_cache

from simcluster.selectors import label_key_problems, label_value_problems

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_HEADER = "[-A-Za-z0-9]+"

_MATCH_LABEL = re.compile(_LABEL)
_MATCH_SUBDOMAIN = re.compile(_SUBDOMAIN)
_MATCH_1035 = re.compile(_LABEL_1035)
_MATCH_CONFIG_KEY = re.compile(_CONFIG_KEY)
_MATCH_PORT = re.compile("[-a-z0-9]+")
_MATCH_WILDCARD = re.compile(rf"\*\.{_SUBDOMAIN}")
_PRINTABLE = re.compile("[ -<>-~]*")

_LONGEST_LABEL = 63
_LONGEST_SUBDOMAIN = 253
_LONGEST_PORT_NAME = 15
MOST_PORT = 65535

_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must "
    "start and end with an alphanumeric character"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character"
)
_WILDCARD_TEXT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
    "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)

Faults = tuple[str, ...]


def regex_fault(text: str, pattern: str, *examples: str) -> str:
    """Say that a value does not match, as validation.RegexError does."""
    if not examples:
        return f"{text} (regex used for validation is '{pattern}')"
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{text} (e.g. {listed}regex used for validation is '{pattern}')"


def too_many_characters(most: int) -> str:
    """Say that a value is too long, as util/validation does."""
    return f"must be no more than {most} characters"


def between(least: int, most: int) -> str:
    """Say which range a number must be in."""
    return f"must be between {least} and {most}, inclusive"


@lru_cache(maxsize=4096)
def dns_label(value: str) -> Faults:
    """RFC 1123 label."""
    long = (too_many_characters(_LONGEST_LABEL),) if len(value) > _LONGEST_LABEL else ()
    if _MATCH_LABEL.fullmatch(value):
        return long
    if _MATCH_SUBDOMAIN.fullmatch(value):
        return (*long, "must not contain dots")
    return (*long, regex_fault(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))


@lru_cache(maxsize=4096)
def dns_subdomain(value: str) -> Faults:
    """RFC 1123 subdomain."""
    long = (too_many_characters(_LONGEST_SUBDOMAIN),) if len(value) > _LONGEST_SUBDOMAIN else ()
    if _MATCH_SUBDOMAIN.fullmatch(value):
        return long
    return (*long, regex_fault(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))


def dns_1035_label(value: str) -> Faults:
    """RFC 1035 label, which starts with a letter."""
    long = (too_many_characters(_LONGEST_LABEL),) if len(value) > _LONGEST_LABEL else ()
    if _MATCH_1035.fullmatch(value):
        return long
    return (*long, regex_fault(_LABEL_1035_TEXT, _LABEL_1035, "my-name", "abc-123"))


def wildcard_subdomain(value: str) -> Faults:
    """`*.` and a subdomain."""
    long = (too_many_characters(_LONGEST_SUBDOMAIN),) if len(value) > _LONGEST_SUBDOMAIN else ()
    if _MATCH_WILDCARD.fullmatch(value):
        return long
    return (*long, regex_fault(_WILDCARD_TEXT, rf"\*\.{_SUBDOMAIN}", "*.example.com"))


def path_segment(value: str) -> Faults:
    """Whatever can be one element of a URL's path."""
    if value in {".", ".."}:
        return (f"may not be '{value}'",)
    return path_segment_prefix(value)


def path_segment_prefix(value: str) -> Faults:
    """The beginning of an element of a URL's path."""
    return tuple(f"may not contain '{each}'" for each in "/%" if each in value)


@lru_cache(maxsize=4096)
def qualified_name(value: str) -> Faults:
    """A label's or annotation's key, a finalizer: `name` or `example.com/name`."""
    return tuple(label_key_problems(value))


@lru_cache(maxsize=4096)
def label_value(value: str) -> Faults:
    """A label's value."""
    return tuple(label_value_problems(value))


def port_number(value: int) -> Faults:
    """A TCP or UDP port."""
    return () if 1 <= value <= MOST_PORT else (between(1, MOST_PORT),)


def port_name(value: str) -> Faults:
    """An IANA service name."""
    faults: list[str] = []
    if len(value) > _LONGEST_PORT_NAME:
        faults.append(too_many_characters(_LONGEST_PORT_NAME))
    if not _MATCH_PORT.fullmatch(value):
        faults.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        faults.append("must contain at least one letter (a-z)")
    if "--" in value:
        faults.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        faults.append("must not begin or end with a hyphen")
    return tuple(faults)


def percent(value: str) -> Faults:
    """A number and `%`."""
    if re.fullmatch(_PERCENT, value):
        return ()
    text = "a valid percent string must be a numeric string followed by an ending '%'"
    return (regex_fault(text, _PERCENT, "1%", "93%"),)


def http_header(value: str) -> Faults:
    """The name of an HTTP header."""
    if re.fullmatch(_HEADER, value):
        return ()
    return (
        regex_fault(
            "a valid HTTP header must consist of alphanumeric characters or '-'", _HEADER, "X-Header-Name"
        ),
    )


def environment_name(value: str) -> Faults:
    """The name of an environment variable: printable ASCII but `=` (the relaxed rule, since 1.34)."""
    empty = () if value else ("environment variable name must be non-empty",)
    if _PRINTABLE.fullmatch(value):
        return empty
    text = "a valid environment variable name must consist only of printable ASCII characters other than '='"
    return (*empty, text)


@lru_cache(maxsize=4096)
def config_key(value: str) -> Faults:
    """A key of a ConfigMap or Secret."""
    faults: list[str] = []
    if len(value) > _LONGEST_SUBDOMAIN:
        faults.append(too_many_characters(_LONGEST_SUBDOMAIN))
    if not _MATCH_CONFIG_KEY.fullmatch(value):
        text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        faults.append(regex_fault(text, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if value in {".", ".."}:
        faults.append(f"must not be '{value}'")
    elif value.startswith(".."):
        faults.append("must not start with '..'")
    return tuple(faults)


def masked(prefix: str) -> str:
    """Return a generateName as its rule sees it: a dash at the end is fine, something follows."""
    return f"{prefix[:-1]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
