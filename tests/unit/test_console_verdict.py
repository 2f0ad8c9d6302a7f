"""Does the first sentence of Today say the worst first, and "safe" only when it is earned?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay.console.desk.now.standing import Down, Duty, Open, Standing
from mainstay.console.desk.now.verdict import Verdict, verdict
from mainstay.console.desk.reader import Reader
from mainstay.console.words import NBSP
from mainstay.estate import Estate, View
from mainstay.foundation.clock import to_us
from mainstay.incidents import Incident, State
from mainstay.paging import Send, SendState
from mainstay.people import person
from mainstay.web import Call

NOW = datetime(2026, 11, 24, 6, 4, tzinfo=UTC)
ESTATE = Estate.model_validate(
    {"org": {"name": "Alpenpay", "timezone": "Europe/Zurich"},
     "people": {"ana": {"name": "Ana Keller"}, "chen": {"name": "Chen Wei"}}}
)  # fmt: skip
READER = Reader(Call(None, person("ana", "lead"), NOW), View(1, ESTATE), "/")  # type: ignore[arg-type]


def incident(number: int, priority: str = "P1", **more: Any) -> Incident:
    values: dict[str, Any] = {
        "id": f"inc_{number}", "number": number, "correlation_key": "k", "service": "pay-db",
        "title": "Replica lag over 30 s", "state": State.NEW, "hold": None, "severity": "critical",
        "priority": priority, "assignee": None, "opened_at": to_us(NOW - timedelta(minutes=40)),
        "resolved_at": None, "closed_at": None, "acked_by": None, "acked_at": None,
        "acked_until": None, "acked_severity": None, "estate_version": 1,
    }  # fmt: skip
    return Incident(**values | more)


def opened(number: int, priority: str = "P1", *, by: str | None = None) -> Open:
    one = incident(number, priority, acked_by=by)
    until = NOW + timedelta(minutes=18) if by else None
    soon = None if by else NOW + timedelta(minutes=6)
    return Open(one, 3, until, by is not None, soon, None if by else "chen", None)


SENT = Send(
    "pag_1", None, "inc_1", "ana", "adr_1", "sms", "k", 0, 0, "x", "high", "critical", 0, 0,
    SendState.SENT, sent_at=to_us(NOW - timedelta(hours=5)),
)  # fmt: skip
SAFE = Standing(
    open=(), last_closed=None, alerts_n=0, alerts_silenced_n=0, alerts_unheld_n=0,
    severities=Counter(), duties=(Duty("rota", None, "ana", None, "", False),), down=(),
    proven=SENT, proven_at=NOW - timedelta(hours=5), silences_n=0, silence_ends=None,
    quarantined=0, backlog=0, services={},
)  # fmt: skip


def told(standing: Standing) -> tuple[Verdict, str]:
    found = verdict(standing, READER)
    return found, found.sentence.replace(NBSP, " ")


def test_safe_is_said_when_nothing_is_open_and_a_page_was_answered_within_a_day() -> None:
    found, sentence = told(SAFE)
    assert (found.state, sentence) == (
        "ok", "Production is safe. Nothing is open and nobody waits for anybody.",
    )  # fmt: skip
    assert "the last page was answered" in found.more.lower()


@pytest.mark.parametrize("proven_at", [None, NOW - timedelta(hours=25)])
def test_without_an_answered_page_within_a_day_safe_is_not_said(proven_at: Any) -> None:
    found, sentence = told(replace(SAFE, proven=None, proven_at=proven_at))
    assert found.state == "unknown"
    assert "safe" not in sentence


def test_an_urgent_incident_that_nobody_has_says_who_was_paged_and_when_the_next_page_is() -> None:
    found, sentence = told(replace(SAFE, open=(opened(7), opened(5, by="ana"))))
    assert (found.state, sentence) == (
        "crit",
        "Nobody has INC-7 yet, replica lag over 30 s. Chen Wei was paged; "
        "the next page goes out in 6 min.",
    )
    assert found.parts == ("Nobody has INC-7 yet, ", "replica lag over 30 s", found.parts[2])


def test_where_no_page_is_planned_any_more_it_says_so() -> None:
    dry = replace(opened(7), next_page_at=None)
    assert told(replace(SAFE, open=(dry,)))[1].endswith("nothing more is planned to page for it.")


def test_an_urgent_incident_that_somebody_has_says_who_until_when() -> None:
    found, sentence = told(replace(SAFE, open=(opened(7, by="ana"),)))
    assert (found.state, found.short) == ("warn", "at risk")
    assert sentence == (
        "Production is degraded. Replica lag over 30 s (P1): Ana Keller has it until 07:22."
    )


def test_small_incidents_that_somebody_has_leave_production_safe() -> None:
    found, sentence = told(replace(SAFE, open=(opened(7, "P4", by="ana"),)))
    assert found.state == "run"
    assert sentence.startswith("Production is safe, with one minor incident: replica lag")
    found, sentence = told(replace(SAFE, open=(opened(7, "P4"),)))
    assert found.state == "warn"


def test_the_worst_is_said_first() -> None:
    everything = replace(
        SAFE, open=(opened(7), opened(6, by="ana")), quarantined=2,
        duties=(Duty("rota", None, None, NOW + timedelta(hours=2), "", False),),
        down=(Down("sms", NOW - timedelta(minutes=3), 4),),
    )  # fmt: skip
    assert told(everything)[1].startswith("SMS pages are failing since 07:01")
    assert told(replace(everything, down=()))[1].startswith("Nobody has INC-7")
    held = replace(everything, down=(), open=(opened(6, by="ana"),))
    assert told(held)[1] == "Nobody is on call for rota until 09:04. Make an override now."
    assert "quarantine" in told(replace(held, duties=()))[1]
    assert told(replace(held, duties=(), quarantined=0))[1].startswith("Production is degraded")


def test_a_gap_that_is_meant_is_no_gap() -> None:
    meant = Duty("desk", None, None, None, "", True)
    assert told(replace(SAFE, duties=(meant,)))[0].state == "ok"


def test_alerts_without_an_incident_are_not_called_safe() -> None:
    found, sentence = told(replace(SAFE, alerts_n=2))
    assert (found.state, sentence) == ("warn", "No incident is open, though 2 alerts still fire.")
    assert told(replace(SAFE, alerts_n=2, alerts_silenced_n=2))[0].state == "ok"
