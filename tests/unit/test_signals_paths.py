"""Do the paths and conditions of the estate's `map` mean what they say?"""

from __future__ import annotations

from typing import Any

import pytest

from mainstay.estate import condition
from mainstay.estate import json_path as path
from mainstay.foundation.errors import Invalid

BODY: dict[str, Any] = {
    "state": "OK",
    "n": 3,
    "half": 0.5,
    "on": True,
    "off": False,
    "none": None,
    "a": {"b": [{"c d": "deep", "quo'te": 1}, 2]},
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$", BODY),
        ("$.state", "OK"),
        ("$.a.b[0]['c d']", "deep"),
        ('$.a.b[0]["c d"]', "deep"),
        (r"$.a.b[0]['quo\'te']", 1),
        ("$['a']['b'][-1]", 2),
        ("$.a.b[2]", None),
        ("$.a.b[-3]", None),
        ("$.a.b.c", None),
        ("$.state.x", None),
        ("$.state[0]", None),
        ("$.nothing.at.all", None),
    ],
)
def test_a_path_finds_what_stands_there_or_nothing(text: str, found: Any) -> None:
    assert path(text).find(BODY) == found


@pytest.mark.parametrize(
    "text", ["", "state", "$state", "$.", "$..a", "$.a[", "$.a[x]", "$.a['b]", "$ .a"]
)
def test_a_path_that_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(Invalid, match="path"):
        path(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("$.state == 'OK'", True),
        ('$.state == "OK"', True),
        ("$.state != 'OK'", False),
        ("$.missing == 'OK'", False),
        ("$.missing != 'OK'", True),
        ("$.missing == null", True),
        ("$.none == null", True),
        ("$.n == 3", True),
        ("$.n == '3'", True),
        ("$.half == 0.5", True),
        ("$.on == true", True),
        ("$.on", True),
        ("$.off", False),
        ("$.none", False),
        ("$.n", True),
        ("$.a == 'x'", False),
        ("$.state in ('UP', 'OK')", True),
        ("$.state in ('UP')", False),
        ("not $.state in ('UP')", True),
        ("not $.on or $.n == 3", True),
        ("$.off and $.off or $.on", True),
        ("$.off and ($.off or $.on)", False),
        ("$.a.b[0]['c d']=='deep'", True),
        ("not not $.on", True),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:
    assert condition(text)(BODY) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "state == 'OK'",
        "$.state =",
        "$.state = 'OK'",
        "$.state ==",
        "$.state == OK",
        "$.state in 'OK'",
        "$.state in ('OK'",
        "($.state == 'OK'",
        "$.state == 'OK' 'UP'",
        "$.a and",
        "not",
        "$.state == 'OK",
        "(" * 5000 + "$.a",
        "not " * 300 + "$.a",
    ],
)
def test_a_condition_that_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(Invalid, match="condition"):
        condition(text)
