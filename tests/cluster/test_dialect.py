"""Files mean to us what they mean to `kubectl create --dry-run=client`, or are refused with their line.

One start of kubectl reads many files. Each file's objects carry the file's own name, so that what it printed
can be told apart; what it did not print, it refused.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gitops.dialect import parse
from gitops.errors import InvalidInput, Problem
from gitops.render.drafts import Draft, drafts
from tests.cluster.documents import DOCUMENTS, HEAD, NAME
from tests.cluster.rig import binaries
from tests.cluster.rig.plane import Plane

CASES = Path(__file__).parents[1] / "cases" / "dialect"

# What kubectl reads, losing or inventing something without a word, and we refuse.
STRICTER = re.compile(
    r"duplicate key|this tag is not supported|a new document starts with a line ---|is not allowed in YAML"
    r"|found unexpected ':'|a blank must follow the tag|infinity and NaN|too large for a key"
    r"|did not find expected (<document start>|whitespace)|the value is not what its tag"
    r"|found invalid Unicode character escape code|is a List to kubectl|two carriage returns"
    r"|no number that JSON|cannot follow a JSON value|more than|nested deeper"
)


class Reader:
    """Reads files with kubectl, whose `create` asks a server for its kinds even to write nothing."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._argv = [
            str(binaries.ensure() / "kubectl"),
            f"--kubeconfig={kubeconfig}",
            f"--cache-dir={folder / 'cache'}",
            *("create", "--dry-run=client", "--validate=ignore", "--output=json"),
        ]
        self._folder = folder

    def read(self, texts: Sequence[bytes], suffix: str = "yaml") -> list[list[Any]]:
        """Give the objects that kubectl made of each file; none where it refused one."""
        files = self._folder / "files"
        files.mkdir(exist_ok=True)
        for old in files.iterdir():
            old.unlink()
        for number, text in enumerate(texts):
            (files / f"{number:04}.{suffix}").write_bytes(text.replace(NAME.encode(), b"f%04d" % number))
        done = subprocess.run(
            [*self._argv, "-f", str(files)], capture_output=True, text=True, timeout=120, check=False
        )
        found: list[list[Any]] = [[] for _ in texts]
        for value in values(done.stdout):
            number = int(value["metadata"]["name"][1:5])
            value["metadata"]["name"] = NAME + value["metadata"]["name"][5:]
            if value["metadata"].get("namespace") == "default":
                del value["metadata"]["namespace"]
            found[number].append(value)
        for number in map(int, re.findall(r"(?:parsing|decode) \"?\S*/(\d{4})\.", done.stderr)):
            found[number].clear()
        return found


def values(text: str) -> Iterator[Any]:
    """Read what kubectl printed; integers beyond 64 bits become floats, as a server reads them."""
    decoder = json.JSONDecoder(parse_int=lambda digits: _integer(int(digits)))
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:]


def _integer(value: int) -> int | float:
    return value if -(1 << 63) <= value < 1 << 63 else float(value)


def ours(text: bytes, path: str = "f.yaml") -> list[Any] | tuple[Problem, ...]:
    """Give what we read, or why not."""
    try:
        found = [draft for document in parse(text, path) for draft in drafts(document)]
    except InvalidInput as error:
        return error.problems
    problems = tuple(one for one in found if isinstance(one, Problem))
    return problems or [one.body for one in found if isinstance(one, Draft)]


def same(one: Any, other: Any) -> bool:
    """Types count: 1, 1.0 and true are told apart."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def differences(reader: Reader, texts: Sequence[bytes], suffix: str = "yaml") -> list[tuple[bytes, Any, Any]]:
    """Give each file that we read otherwise than kubectl, with both readings."""
    found = []
    for text, theirs in zip(texts, reader.read(texts, suffix), strict=True):
        mine = ours(text, f"f.{suffix}")
        if isinstance(mine, list):
            # kubectl refuses a file without an object; we make nothing of it, which is the same.
            agree = same(mine, theirs)
        else:
            located = all(problem.location.line for problem in mine)
            agree = located and (not theirs or all(STRICTER.search(one.message) for one in mine))
        if not agree:
            found.append((text, mine, theirs))
    return found


@pytest.fixture(scope="module")
def reader(cluster: Plane, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = tmp_path_factory.mktemp("dialect")
    return Reader(cluster.write_kubeconfig(folder / "kubeconfig"), folder)


def named(text: bytes) -> bytes:
    """Put the file's name in front of the names in one of the cases."""
    return re.sub(rb"(\"?name\"?: *\"?)(?=\w+\"?\})", rb"\g<1>" + NAME.encode(), text)


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_the_cases_are_read_alike(reader: Reader, suffix: str) -> None:
    """Some 300 values in 62 files, each kind of scalar and of document among them."""
    texts = [named(path.read_bytes()) for path in sorted(CASES.glob(f"*/input.{suffix}"))]
    assert differences(reader, texts, suffix) == []
    assert len(texts) >= {"yaml": 45, "json": 3}[suffix]


def test_a_case_is_not_refused_for_its_frame(reader: Reader) -> None:
    """A table whose files kubectl refuses for want of a kind would prove nothing."""
    refused = [path for path in CASES.glob("*/input.yaml") if re.match("refused|stricter", path.parent.name)]
    read = [path for path in CASES.glob("*/input.yaml") if path not in refused]
    assert all(reader.read([named(path.read_bytes()) for path in read]))


SCALARS = (CASES.parent / "scalars" / "scalars.txt").read_text().splitlines()


def test_scalars_are_read_alike(reader: Reader) -> None:
    """More than 250 spellings, as a value, in a flow sequence and as a key."""
    assert len(SCALARS) > 250
    frames = ("data:\n  v: {}\n", "data:\n- {}\n- x\n", "data: {{v: [{}, 1]}}\n", "data:\n  {}: x\n")
    texts = [(HEAD + frame.format(word)).encode() for frame in frames for word in SCALARS]
    assert differences(reader, texts) == []


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_documents_are_read_alike(reader: Reader, suffix: str) -> None:
    """The name of a file says nothing about what is in it."""
    found = differences(reader, [text.encode() for text in DOCUMENTS.values()], suffix)
    names = {text.encode(): name for name, text in DOCUMENTS.items()}
    assert [(names[text], mine, theirs) for text, mine, theirs in found] == []


NUMBERS = st.from_regex(
    r"[-+]?(0[xXoObB][-+]?)?[0-9a-fA-F_]{0,10}(\.[0-9_]{0,6})?([eE][-+]?[0-9]{1,3})?", fullmatch=True
)
TIMES = st.from_regex(
    r"[0-9]{1,4}[-:][0-9]{1,2}([-:][0-9]{1,2})?([Tt ][0-9]{1,2}:[0-9]{2}Z?)?", fullmatch=True
)
WORDS = st.sampled_from(
    [
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
        "nan",
        "inf",
        ".nan",
        ".inf",
        "~",
        "<<",
        "=",
    ]
).flatmap(
    lambda word: st.sampled_from([word, word.capitalize(), word.upper(), f"+{word}", f"-{word}", f"{word}_"])
)
NOISE = st.text(st.sampled_from("0159aefxoXyYnN_+-.:~<=!&*#?|>%@`'\",[]{} \\\té☺😀"), min_size=1, max_size=9)
PLAIN = st.one_of(NUMBERS, TIMES, WORDS).filter(bool)
TAGS = st.sampled_from(["!!str", "!!int", "!!float", "!!bool", "!!null", "!!merge", "!!binary", "!", "!own"])
TAGGED = st.tuples(TAGS, st.one_of(PLAIN, PLAIN.map("'{}'".format))).map(" ".join)
MERGES = st.sampled_from(
    [
        "{<<: *a, x: 1}",
        "{x: 1, <<: [*a, {x: 2}]}",
        "{<<: [*a, *b]}",
        "{<<: *b, <<: *a}",
        "{! <<: *a}",
        "{'<<': *a}",
        "{!!merge '<<': *a}",
        "{<<: {x: 1}, *a : 2}",
    ]
)
QUOTED = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8).map(
    lambda text: json.dumps(text, ensure_ascii=False)
) | NOISE.map(lambda text: "'" + text.replace("'", "''") + "'")


SCALAR = st.one_of(NUMBERS, TIMES, WORDS, NOISE, TAGGED)


# What differs is printed alone, so a failing example need not be made smaller: each trial starts kubectl.
GENERATED = settings(
    max_examples=15, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)


def marked(marks: st.SearchStrategy[str], inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Put an anchor or a tag in front, where there is none."""
    pairs = st.tuples(marks, inner)
    return pairs.map(lambda pair: " ".join(pair) if not pair[1].startswith(("&", "*", "!")) else pair[1])


def block(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make block collections of what is indented by two more."""

    def indented(text: str) -> str:
        return text.replace("\n", "\n  ")

    items = st.lists(inner, min_size=1, max_size=3)
    keys = st.one_of(PLAIN, QUOTED, st.sampled_from(["a", "b", "c"]))
    pairs = st.lists(st.tuples(keys, inner), min_size=1, max_size=3)
    return st.one_of(
        items.map(lambda found: "".join(f"\n- {indented(one)}" for one in found)),
        pairs.map(lambda found: "".join(f"\n{key}: {indented(one)}" for key, one in found)),
        items.map(lambda found: f"[{', '.join(one for one in found if not one.startswith(chr(10)))}]"),
        marked(st.sampled_from(["&a", "&b"]), inner),
        st.sampled_from(["*a", "*b"]),
        MERGES,
        marked(TAGS, inner),
        st.text(st.sampled_from("ab #:-'\n"), max_size=12).map(lambda text: "|\n  " + indented(text)),
    )


VALUE = st.recursive(st.one_of(PLAIN, QUOTED, TAGGED, st.just("a")), block, max_leaves=6)


@GENERATED
@given(st.lists(SCALAR, min_size=50, max_size=200))
def test_any_scalar_is_read_alike(reader: Reader, found: list[str]) -> None:
    texts = [f"{HEAD}data:\n  v: {one}\n".encode() for one in found]
    assert differences(reader, texts) == []


@GENERATED
@given(st.lists(VALUE, min_size=20, max_size=100), st.sampled_from(["\n", "\r\n"]))
def test_any_document_is_read_alike(reader: Reader, found: list[str], line_end: str) -> None:
    indented = [one.replace("\n", "\n  ") for one in found]
    texts = [f"{HEAD}data:\n  v: {one}\n---\n{HEAD}".replace("\n", line_end).encode() for one in indented]
    assert differences(reader, texts) == []
