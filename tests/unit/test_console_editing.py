"""Does a form change what it shows, and leave alone what it does not know?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mainstay.console.desk.editing.things import kind, lines_of
from mainstay.foundation.errors import Invalid


def wanted(collection: str, values: Any, typed: Mapping[str, str]) -> Any:
    of = kind(collection)
    assert of is not None
    return of.wanted(values, lambda name: typed.get(name, ""))


def typed(collection: str, values: Any) -> dict[str, str]:
    """The fields as the form shows them, sent back unchanged."""
    of = kind(collection)
    assert of is not None
    shown, fields = of.shown(values), {}
    for key, value in shown.items():
        for number, row in enumerate(value if isinstance(value, list) else []):
            fields |= {f"{name}-{number}": text for name, text in row.items()}
        if isinstance(value, str):
            fields[key] = value
    return fields


SERVICE = {"tier": 1, "owner": "web", "depends": ["a", "b"], "links": {"x": "y"}}
SCHEDULE = {
    "team": "web",
    "layers": [
        {"rotate": "weekly", "handover": "mon 09:00", "order": ["ana", {"person": "dee", "from": "2026-12-07"}]},
        {"rotate": "hourly", "every": 12, "handover": ":30", "order": ["eli"], "only": {"days": ["sat"]}},
    ],
}  # fmt: skip
STEPS = [
    {"after": "0m", "notify": ["schedule:web"]},
    {"after": "25m", "notify": ["person:head"], "repeat": {"times": 3, "every": "15m"}},
]


@pytest.mark.parametrize(
    ("collection", "values"),
    [
        ("services", SERVICE), ("services", {}), ("schedules", SCHEDULE), ("escalations", STEPS),
        ("escalations", {"steps": STEPS, "repeat": {"times": 2}}),
    ],
)  # fmt: skip
def test_a_form_that_is_sent_back_unchanged_changes_nothing(collection: str, values: Any) -> None:
    assert wanted(collection, values, typed(collection, values)) == values


def test_a_service_gets_what_was_typed_and_loses_what_was_emptied() -> None:
    fields = typed("services", SERVICE) | {"owner": "", "tier": "2", "depends": "b, c\n\n d"}
    assert wanted("services", SERVICE, fields) == {
        "tier": 2, "depends": ["b", "c", "d"], "links": {"x": "y"},
    }  # fmt: skip


def test_turns_carry_their_dates() -> None:
    order = "dee from 2026-12-07 until 2027-02-28\nana"
    fields = typed("schedules", SCHEDULE) | {"order-0": order, "every-1": "6"}
    first, second = wanted("schedules", SCHEDULE, fields)["layers"]
    assert first["order"] == [{"person": "dee", "from": "2026-12-07", "until": "2027-02-28"}, "ana"]
    assert (second["every"], second["only"]) == (6, {"days": ["sat"]})
    with pytest.raises(Invalid, match="is no turn"):
        wanted("schedules", SCHEDULE, fields | {"order-0": "dee since tuesday"})


def test_steps_come_change_and_go() -> None:
    fields = typed("escalations", STEPS) | {
        "after-0": "", "notify-0": "", "after-1": "20m", "after-2": "40m", "notify-2": "team:web",
    }  # fmt: skip
    assert wanted("escalations", STEPS, fields) == [
        {"after": "20m", "notify": ["person:head"], "repeat": {"times": 3, "every": "15m"}},
        {"after": "40m", "notify": ["team:web"]},
    ]


def test_what_is_laid_out_otherwise_is_left_to_the_text_of_the_file() -> None:
    for collection, values in (
        ("schedules", {"layers": "x"}),
        ("escalations", ["x"]),
        ("schedules", None),
    ):
        of = kind(collection)
        assert of is not None
        with pytest.raises(Invalid, match="text of the file"):
            of.shown(values)
    assert kind("people") is None
    assert lines_of(" a,b \n\n,") == ["a", "b"]
