"""Is there any text at all that makes the reader fall over instead of saying what is wrong?"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay import estate
from mainstay.estate.reading.yaml_text import load, plain

FILES = sorted((Path(__file__).parents[2] / "examples" / "alpenpay").glob("*.yaml"))
EACH = 61
"""Every 61st place of the example, other places for each value, so that it takes seconds."""
ODD: list[Any] = [
    None, True, 0, -1, 7.5, 10**25, float("inf"), "", "~", "~(", "{", "service:{", "\x00", "é" * 70,
    "9" * 400 + "d", "99:99", "0000-00-00", "../../etc/passwd", [], [[]], {}, {"": None}, {"a": {"b": []}},
]  # fmt: skip


def problems_of(data: bytes) -> list[str]:
    """What `check` says of one file; it must say something, or find it good."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "x.yaml").write_bytes(data)
        checked = estate.check(Path(name))
    assert (checked.estate is None) == any(one.level == "error" for one in checked.problems)
    assert all("\n" not in str(one) for one in checked.problems)
    return [str(one) for one in checked.problems]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    problems_of(data)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@` \t\n#,?.0~", max_size=80))
def test_no_punctuation_breaks_the_reader(text: str) -> None:
    problems_of(b"mainstay: 1\n" + text.encode())


def whole() -> dict[str, Any]:
    """The example in one mapping."""
    values: dict[str, Any] = {}
    for path in FILES:
        node, _ = load(path.read_bytes(), path.name)
        assert node is not None
        values |= plain(node)
    return values


def ways(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside, and to itself."""
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [way, *(found for key, one in inside for found in ways(one, (*way, key)))]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_no_odd_value_in_any_place_breaks_the_reader(odd: Any) -> None:
    for way in ways(whole())[1 + ODD.index(odd) :: EACH]:
        values = whole()
        inside = values
        for key in way[:-1]:
            inside = inside[key]
        inside[way[-1]] = odd
        problems_of(json.dumps(values).encode())  # JSON is YAML
