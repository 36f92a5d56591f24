"""Files for the comparison with kubectl: each way in which a file can hold, or fail to hold, documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NAME = "the-name-of-the-file"
HEAD = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {NAME}}}\n"


def _json(value: Any) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": value})


DOCUMENTS: Mapping[str, str] = {
    "two": f"{HEAD}---\n{HEAD}data: {{a: 1}}\n",
    "starts with a separator": f"---\n{HEAD}",
    "ends with a separator": f"{HEAD}---\n",
    "empty ones between": f"---\n---\n# nothing\n---\n{HEAD}---\n\n---\n~\n---\n{HEAD}",
    "a separator with blanks": f"{HEAD}---   \n{HEAD}",
    "a separator with a comment": f"{HEAD}--- # next\n{HEAD}",
    "a separator with text": f"{HEAD}--- text\n{HEAD}",
    "a separator with an object": f"--- {{apiVersion: v1}}\n{HEAD}",
    "four dashes": f"{HEAD}----\n{HEAD}",
    "an indented separator in a block": f"{HEAD}data:\n  v: |\n    a\n    ---\n    b\n",
    "a separator in a block": f"{HEAD}data:\n  v: |\n    a\n---\n{HEAD}",
    "an end marker": f"{HEAD}...\n",
    "an end marker and more": f"{HEAD}...\n---\n{HEAD}",
    "a directive": f"%YAML 1.1\n---\n{HEAD}",
    "CRLF": f"{HEAD}data:\n  v: x\n  w: |\n    a\n    b\n---\n{HEAD}".replace("\n", "\r\n"),
    "CRLF in quotes": f'{HEAD}data:\n  v: "a\n\n    b"\n'.replace("\n", "\r\n"),
    "CR only": f"{HEAD}data: {{v: x}}\n".replace("\n", "\r"),
    "a byte order mark": f"\ufeff{HEAD}",
    "a byte order mark in a later document": f"{HEAD}---\n\ufeff{HEAD}",
    "a byte order mark in a value": f"{HEAD}data: {{v: a\ufeffb}}\n",
    "no line feed at the end": f"{HEAD}data: {{v: x}}",
    "comments": f"# a\n{HEAD}# b\ndata: # c\n  v: x # d\n  w: x#e\n  # f\n",
    "anchors": f"{HEAD}data:\n  a: &a {{x: 1}}\n  b: *a\n  c: [*a, *a]\n",
    "an anchor that is used again": f"{HEAD}data: {{a: &a 1, b: *a, c: &a 2, d: *a}}\n",
    "an anchor of another document": f"{HEAD}data: {{a: &a 1}}\n---\n{HEAD}data: {{b: *a}}\n",
    "an anchor as a key": f"{HEAD}data:\n  &a k: 1\n  v: *a\n",
    "an alias as a key": f"{HEAD}data:\n  a: &a k\n  *a : 1\n",
    "an alias of itself": f"{HEAD}data: &a {{b: *a}}\n",
    "a merge": f"{HEAD}data:\n  a: &a {{x: 1, y1: 2}}\n  b: {{<<: *a, x: 3}}\n  c: {{x: 3, <<: *a}}\n",
    "a merge of many": f"{HEAD}data:\n  a: &a {{x: 1}}\n  b: &b {{x: 2, z: 3}}\n  c: {{<<: [*a, *b]}}\n",
    "a merge of merges": f"{HEAD}data:\n  a: &a {{x: 1}}\n  b: &b {{<<: *a, w: 2}}\n  c: {{<<: *b}}\n",
    "a merge of text": f"{HEAD}data: {{<<: x}}\n",
    "a merge of null": f"{HEAD}data: {{<<: ~}}\n",
    "a merge of a list of text": f"{HEAD}data: {{<<: [x]}}\n",
    "two merges": f"{HEAD}data:\n  a: &a {{x: 1}}\n  b:\n    <<: *a\n    <<: {{x: 5}}\n",
    "a quoted merge": f"{HEAD}data: {{'<<': 1}}\n",
    "a duplicate key": f"{HEAD}data: {{a: 1, a: 2}}\n",
    "a duplicate key at the top": f"{HEAD}kind: Secret\n",
    "a duplicate key after conversion": f"{HEAD}data: {{1: a, '1': b}}\n",
    "a complex key": f"{HEAD}data:\n  ? [a, b]\n  : 1\n",
    "a key with a question mark": f"{HEAD}data:\n  ? a\n  : 1\n",
    "a key without a value": f"{HEAD}data:\n  ? a\n",
    "an empty key": f"{HEAD}data:\n  : 1\n",
    "a null key": f"{HEAD}data: {{~: 1}}\n",
    "a long key": f"{HEAD}data:\n  {'k' * 1100}: 1\n",
    "a tab before a value": f"{HEAD}data:\n  v:\tx\n",
    "a tab after a value": f"{HEAD}data:\n  v: x\t\n",
    "a tab as indentation": f"{HEAD}data:\n\tv: x\n",
    "a tab after indentation": f"{HEAD}data:\n  \tv: x\n",
    "a tab before a comment": f"{HEAD}data: {{v: x}}\t# c\n",
    "a line of a tab": f"{HEAD}\t\ndata: {{v: x}}\n",
    "blocks": f"{HEAD}data:\n  a: |\n    x\n     y\n\n  b: >\n    x\n    y\n\n    z\n"
    "  c: |-\n    x\n  d: |+\n    x\n\n",
    "a block with an indicator": f"{HEAD}data:\n  a: |2\n      x\n    y\n",
    "a block with a tab": f"{HEAD}data:\n  a: |\n    x\n    \ty\n",
    "a block too far left": f"{HEAD}data:\n  a: |\n  x\n",
    "a block without a line feed at the end": f"{HEAD}data:\n  a: |\n    x",
    "blocks without a line feed at the end": f"{HEAD}data:\n  a: |+\n    x\n---\n{HEAD}data:\n  a: |-\n    x",
    "a block before a separator": f"{HEAD}data:\n  a: |+\n    x\n\n---\n{HEAD}data:\n  a: >\n    x\n---\n",
    "an escaped slash": f'{HEAD}data: {{a: "x\\\\/y"}}\n',
    "plain text over lines": f"{HEAD}data:\n  a: x\n    y\n\n    z\n",
    "quoted text over lines": f"{HEAD}data:\n  a: 'x\n    y\n\n    z'\n  b: \"x \\\n    y\"\n",
    "a sequence that is not indented": f"{HEAD}data:\n  a:\n  - 1\n  - - 2\n    - 3\n  - b: 4\n    c: 5\n",
    "flow over lines": f"{HEAD}data: {{a: [1,\n 2], b:\n {{c: d}},}}\n",
    "a flow without blanks": f'{HEAD}data: {{"a":1,"b":[x,"y"]}}\n',
    "a flow of single keys": f"{HEAD}data: {{a, b: , c}}\n",
    "pairs in a flow sequence": f"{HEAD}data: [a: 1, b: 2]\n",
    "wrong indentation": f"{HEAD}data:\n   a: 1\n  b: 2\n",
    "a value after a value": f"{HEAD}data: x y: z\n",
    "unicode": f"{HEAD}data: {{ключ: é😀, 日本: ' '}}\n",
    "line separators": f"{HEAD}data: {{a: x\u2028y, b: x\u0085y}}\n",
    "a control character": f"{HEAD}data: {{a: x\x01y}}\n",
    "an escaped control character": f'{HEAD}data: {{a: "x\\x01y\\0"}}\n',
    "a List": f"apiVersion: v1\nkind: List\nitems:\n- {_json({'a': '1'})}\n- {_json({'b': '2'})}\n",
    "a List in a List": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n"
    f"  items: [{_json(1)}]\n- {_json(2)}\n",
    "a ConfigMapList in a List": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n"
    f"  kind: ConfigMapList\n  items: [{_json(1)}]\n",
    "a key beyond a float of 32 bits": f"{HEAD}data: {{7e93: x}}\n",
    "an empty List": f"apiVersion: v1\nkind: List\nitems: []\n---\n{HEAD}",
    "a ConfigMapList": f"apiVersion: v1\nkind: ConfigMapList\nitems: [{_json({'a': '1'})}]\n",
    "a ConfigMapList without kinds": "apiVersion: v1\nkind: ConfigMapList\n"
    f"items: [{{metadata: {{name: {NAME}}}, data: {{a: b}}}}]\n",
    "text": "just text\n",
    "a list of objects": f"- {_json(1)}\n",
    "null": "null\n",
    "nothing": "",
    "a comment": "# nothing\n",
    "JSON": _json({"a": [1, 1.5, 1e3, None, True, "é😀\u2028"]}),
    "JSON over lines": json.dumps(json.loads(_json({"a": {"b": []}})), indent=2) + "\n",
    "JSON with tabs": json.dumps(json.loads(_json({"a": 1})), indent="\t") + "\n",
    "JSON twice": _json(1) + "\n" + _json(2),
    "JSON twice with a separator": _json(1) + "\n---\n" + _json(2),
    "JSON with a comma too many": _json({"a": 1})[:-1] + ",}",
    "JSON with a comment": _json({"a": 1}) + " # done\n",
    "JSON with a duplicate key": _json({"a": 1})[:-1] + ', "data": 2}',
    "JSON that is cut": _json({"a": 1})[:-1],
    "JSON with text after it": _json({"a": 1}) + " x",
    "JSON then YAML": _json(1) + "\n---\n" + HEAD,
    "YAML then JSON": HEAD + "---\n" + _json(1),
    "JSON in single quotes": _json({"a": 1}).replace('"', "'"),
    "JSON with large numbers": _json({"a": 1 << 63, "b": 1 << 64, "c": -(1 << 63), "d": 1e300, "e": 1e18}),
    "JSON with escapes": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "'
    + NAME
    + '"}, "data": {"a": "\\u0041\\ud83d\\ude00\\/\\b\\f"}}',
}
