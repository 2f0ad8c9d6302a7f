"""The incident's states: every move that is drawn is allowed, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mainstay.acts import commands
from mainstay.foundation.errors import Conflict, Invalid
from mainstay.incidents import HOLDS, MOVES, Incident, State
from mainstay.incidents.incident import check_move, more_urgent
from walk import Walk, fire

pytestmark = pytest.mark.both

NEW = Incident(
    "inc_1", 1, "service:a", "a", "t", State.NEW, None, "error", "P2", None, 0, None, None, None,
    None, None, None, 1,
)  # fmt: skip


@pytest.fixture
def walk() -> Iterator[Walk]:
    made = Walk()
    yield made
    made.end()


@pytest.mark.parametrize("start", State)
@pytest.mark.parametrize("to", State)
def test_a_move_is_allowed_when_it_is_drawn(start: State, to: State) -> None:
    incident = replace(NEW, state=start)
    hold = "vendor" if to is State.ON_HOLD else None
    if to in MOVES[start]:
        check_move(incident, to, hold)
    else:
        with pytest.raises(Conflict, match="from there it may become"):
            check_move(incident, to, hold)


@pytest.mark.parametrize("hold", [None, "lunch"])
def test_on_hold_says_what_it_waits_for(hold: str | None) -> None:
    with pytest.raises(Invalid):
        check_move(NEW, State.ON_HOLD, hold)
    for known in HOLDS:
        check_move(NEW, State.ON_HOLD, known)


def test_nothing_leads_out_of_closed_and_everything_open_can_be_resolved() -> None:
    assert MOVES[State.CLOSED] == ()
    for state in set(State) - {State.RESOLVED, State.CLOSED}:
        assert State.RESOLVED in MOVES[state]


def test_an_acknowledgement_holds_until_its_end_and_not_longer() -> None:
    taken = replace(NEW, acked_by="mara", acked_until=10)
    assert taken.acknowledged(9)
    assert not taken.acknowledged(10)
    assert replace(taken, acked_until=None).acknowledged(1 << 60)


def test_the_more_urgent_of_two_is_the_lower_number() -> None:
    assert more_urgent("P3", "P1") == "P1"


@pytest.mark.parametrize(
    "command",
    [
        commands.Acknowledge("INC-1"),
        commands.Unacknowledge("INC-1"),
        commands.Resolve("INC-1"),
        commands.Reassign("INC-1", "ben"),
        commands.Move("INC-1", "monitoring"),
        commands.EscalateNow("INC-1", "why"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_is_resolved_takes_no_act_but_reopening(walk: Walk, command: Any) -> None:
    walk.fires("alpha")
    walk.clears("alpha")
    with pytest.raises(Conflict):
        walk.act(command)
    walk.act(commands.Reopen("INC-1", "not over"))
    assert walk.incident().is_open


def test_an_incident_resolves_with_its_last_alert_and_closes_when_it_cannot_come_back(
    walk: Walk,
) -> None:
    walk.sends([fire("alpha", "A"), fire("alpha", "B")])
    walk.settle()
    walk.clears("alpha", "A")
    assert walk.incident().is_open
    walk.clears("alpha", "B")
    assert walk.incident().state is State.RESOLVED
    walk.forward(minutes=16)
    assert walk.incident().state is State.CLOSED
    walk.fires("alpha", "A")
    assert [one.number for one in walk.incidents()] == [1, 2]


def test_the_same_fault_within_a_quarter_of_an_hour_reopens_it(walk: Walk) -> None:
    walk.fires("alpha")
    walk.clears("alpha")
    walk.forward(minutes=14)
    walk.fires("alpha")
    assert [one.state for one in walk.incidents()] == [State.INVESTIGATING]
