"""What a form shows of a thing as its file declares it, and what was typed, as it would stand there.

Pure. A form changes what it shows and nothing else: keys that it does not know stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mainstay.foundation.errors import Invalid

STEPS_MAX = 20
SPARE = 1
"""Empty steps below the last one, to add to."""
ROTATES = ("hourly", "daily", "weekly", "monthly")
TIERS = ("1", "2", "3")
_TURN = re.compile(r"(?P<person>\S+)(?: +from +(?P<from>\S+))?(?: +until +(?P<until>\S+))?")

Text = Callable[[str], str]
"""One field of the form by its name; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that has a form. `word`: what one of them is called."""

    collection: str
    word: str
    shown: Callable[[Any], dict[str, Any]]
    """What is declared → what the form's fields hold."""
    wanted: Callable[[Any, Text], Any]
    """What is declared, and what was typed → what is to be declared."""


def kind(collection: str) -> Kind | None:
    """The kind of thing that a collection holds, if it has a form."""
    return next((one for one in KINDS if one.collection == collection), None)


def lines_of(text: str) -> list[str]:
    """What stands in each line, or between commas; nothing for empty ones."""
    return [one.strip() for one in re.split(r"[\n,]", text) if one.strip()]


# -- services --------------------------------------------------------------------------------------


def _service(values: Any) -> dict[str, Any]:
    found = values if isinstance(values, dict) else {}
    return {
        **{key: str(found.get(key) or "") for key in ("name", "owner", "tier", "escalation")},
        "depends": "\n".join(map(str, _list(found.get("depends")))),
    }


def _service_wanted(values: Any, text: Text) -> Any:
    wanted = dict(values) if isinstance(values, dict) else {}
    tier = text("tier")
    for key, value in (
        ("name", text("name")), ("tier", int(tier) if tier in TIERS else tier),
        ("owner", text("owner")), ("depends", lines_of(text("depends"))),
        ("escalation", text("escalation")),
    ):  # fmt: skip
        _put(wanted, key, value)
    return wanted


# -- schedules -------------------------------------------------------------------------------------


def _schedule(values: Any) -> dict[str, Any]:
    return {"layers": [_layer(one) for one in _layers(values)]}


def _layers(values: Any) -> list[dict[str, Any]]:
    layers = _list(values.get("layers")) if isinstance(values, dict) else []
    if not layers or not all(isinstance(one, dict) for one in layers):
        raise Invalid("Its layers are not laid out as a list; change it in the text of the file.")
    return layers


def _layer(one: Mapping[str, Any]) -> dict[str, str]:
    return {
        **{key: str(one.get(key) or "") for key in ("rotate", "every", "handover")},
        "order": "\n".join(_turn(turn) for turn in _list(one.get("order"))),
        "only": "" if one.get("only") is None else "in certain hours or on certain days alone",
    }


def _turn(turn: Any) -> str:
    if not isinstance(turn, dict):
        return str(turn)
    words = [str(turn.get("person", ""))]
    return " ".join([*words, *(f"{key} {turn[key]}" for key in ("from", "until") if turn.get(key))])


def _schedule_wanted(values: Any, text: Text) -> Any:
    layers = []
    for number, layer in enumerate(_layers(values)):
        wanted = dict(layer)
        every = text(f"every-{number}")
        for key, value in (
            ("rotate", text(f"rotate-{number}")),
            ("every", int(every) if every.isdecimal() and len(every) < 9 else every),
            ("handover", text(f"handover-{number}")),
            ("order", [_typed_turn(one) for one in lines_of(text(f"order-{number}"))]),
        ):
            _put(wanted, key, value)
        layers.append(wanted)
    return {**values, "layers": layers}


def _typed_turn(line: str) -> Any:
    found = _TURN.fullmatch(line)
    if found is None:
        words = (
            f"{line[:60]!r} is no turn. Write an id, or as in: dee from 2026-12-07 until 2027-02-28"
        )
        raise Invalid(f"{words}.", pointer="/order")
    given = {key: value for key, value in found.groupdict().items() if value}
    return given["person"] if len(given) == 1 else given


# -- escalation policies ---------------------------------------------------------------------------


def _steps(values: Any) -> list[dict[str, Any]]:
    steps = values.get("steps") if isinstance(values, dict) else values
    if not isinstance(steps, list) or not all(isinstance(one, dict) for one in steps):
        raise Invalid("Its steps are not laid out as a list; change it in the text of the file.")
    return steps


def _escalation(values: Any) -> dict[str, Any]:
    steps = [
        {
            "after": str(one.get("after", "")),
            "notify": "\n".join(map(str, _list(one.get("notify")))),
            "more": ", ".join(key for key in one if key not in ("after", "notify")),
        }
        for one in _steps(values)
    ]
    empty = {"after": "", "notify": "", "more": ""}
    return {"steps": [*steps, *[empty] * SPARE]}


def _escalation_wanted(values: Any, text: Text) -> Any:
    steps = []
    before = _steps(values)
    for number in range(min(len(before) + SPARE, STEPS_MAX)):
        after, notify = text(f"after-{number}"), lines_of(text(f"notify-{number}"))
        if not after and not notify:
            continue  # emptied: it goes
        step = dict(before[number]) if number < len(before) else {}
        _put(step, "after", after)
        _put(step, "notify", notify)
        steps.append(step)
    return {**values, "steps": steps} if isinstance(values, dict) else steps


# -- shared ----------------------------------------------------------------------------------------


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """An empty value is not written down; one that says the same as before stays as it was."""
    if value in ("", []):
        if values.get(key) not in (None, "", []):
            del values[key]
    elif str(values.get(key)) != str(value):
        values[key] = value


KINDS = (
    Kind("services", "service", _service, _service_wanted),
    Kind("schedules", "schedule", _schedule, _schedule_wanted),
    Kind("escalations", "escalation policy", _escalation, _escalation_wanted),
)
