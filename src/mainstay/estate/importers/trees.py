"""Files of other systems as plain values, YAML and JSON: what cannot be read is told with its line."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import yaml

from mainstay.estate.importers.draft import Text, wrong

_SECRET_HEADERS = frozenset(
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token", "private-token"]
)


def yaml_documents(file: Text) -> list[Any]:
    """The documents of a YAML file, anchors and all. Invalid, with its line."""
    try:
        return [one for one in yaml.load_all(file.text, Loader=yaml.CSafeLoader) if one is not None]
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise wrong(file.called, line, f"this YAML cannot be read: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise wrong(file.called, 1, f"this YAML cannot be read: {error}") from None


def json_value(file: Text) -> Any:
    """The JSON of a file. Invalid, with its line."""
    try:
        return json.loads(file.text)
    except json.JSONDecodeError as error:
        raise wrong(file.called, error.lineno, f"this is not JSON: {error.msg.lower()}") from None
    except (RecursionError, ValueError):
        raise wrong(file.called, 1, "this JSON cannot be read") from None


def line_of(file: Text, words: str) -> int:
    """The line on which `words` stand first in a file; 1 where they do not."""
    place = file.text.find(words)
    return 1 if place < 0 else file.text.count("\n", 0, place) + 1


def texts(value: Any) -> dict[str, str]:
    """A mapping of texts, as labels are; anything else is left away."""
    if not isinstance(value, dict):
        return {}
    return {str(k): str(v) for k, v in value.items() if isinstance(v, str | int | float)}


def headers_of(value: Any) -> tuple[dict[str, str], list[str]]:
    """Headers that may stand in a file, and what to say of those that are secrets."""
    found = texts(value)
    secret = [name for name in found if name.lower() in _SECRET_HEADERS]
    notes = [f"header {name}: a secret; give `secret: file:/path` instead" for name in secret]
    return {name: text for name, text in found.items() if name not in secret}, notes


def without_password(url: str) -> tuple[str, list[str]]:
    """An address without who signs in there, and what to say of it."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, []
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, ["its user and password: give `user` and `secret: file:/path`"]
