"""Does a timeline say what the record says, shorter, and with people's names?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.console.desk.now.timeline import events
from mainstay.console.desk.reader import Reader
from mainstay.estate import Estate, View
from mainstay.foundation.clock import to_us
from mainstay.people import person
from mainstay.web import Call

AT = datetime(2026, 11, 24, 5, 18, tzinfo=UTC)
ESTATE = Estate.model_validate(
    {"org": {"name": "Alpenpay"}, "people": {"ana": {"name": "Ana Keller"}, "ben": {"name": "Ben Okafor"}}}
)  # fmt: skip


def row(kind: str, because: str, *, actor: str = "mainstay", after_s: int = 0, **facts: Any) -> Any:
    at = to_us(AT + timedelta(seconds=after_s))
    return {
        "seq": after_s, "at": at, "kind": kind, "because": because, "actor": actor,
        "facts": json.dumps(facts), "incident": "inc_1",
    }  # fmt: skip


def told(*rows: Any, only: str = "all") -> list[Any]:
    reader = Reader(Call(None, person("ana", "lead"), AT), View(1, ESTATE), "/")  # type: ignore[arg-type]
    return events(reader, list(rows), only=only)


def sent(channel: str, after_s: int) -> Any:
    return row(
        "page.sent",
        f"ana was paged by {channel} at x",
        after_s=after_s,
        person="ana",
        channel=channel,
    )


def test_people_are_called_by_name_and_the_reason_is_set_apart() -> None:
    (one,) = told(row("paging.stopped", "policy payops stops, because ana has it"))
    assert (one.text, one.rest) == ("policy payops stops", ", because Ana Keller has it")
    (one,) = told(row("incident.moved", "ben set INC-1 to mitigating", actor="person:ben"))
    assert (one.by, one.text) == ("Ben Okafor", "set INC-1 to mitigating")


def test_what_somebody_wrote_stands_word_for_word() -> None:
    text = "ana: because of this; ben knows"
    (one,) = told(row("incident.finding", text, actor="person:ana"))
    assert (one.text, one.rest, one.pin, one.by) == (text, "", "finding", "Ana Keller")


def test_one_page_by_three_ways_is_one_line_and_the_next_page_another() -> None:
    found = told(sent("ntfy", 0), sent("sms", 1), sent("mail", 2), sent("ntfy", 300))
    assert [one.ways for one in found] == [("ntfy", "sms", "mail"), ("ntfy",)]
    assert found[0].text == "paged Ana Keller"


def test_a_burst_of_alerts_is_one_line_with_its_number() -> None:
    burst = [row("alert.opened", f"alert {n}", after_s=n) for n in range(5)]
    (one,) = told(*burst)
    assert (one.text, one.several) == ("alert 0", 5)
    assert len(told(*burst, row("alert.opened", "later", after_s=90))) == 2


def test_a_filter_shows_its_kind_alone() -> None:
    rows = (row("alert.opened", "x"), sent("sms", 1), row("incident.note", "y", actor="person:ana"),
            row("incident.moved", "ben set it", actor="person:ben"))  # fmt: skip
    shown = {
        only: [one.kind for one in told(*rows, only=only)]
        for only in ("notes", "alerts", "pages", "acts")
    }
    assert shown == {
        "notes": ["incident.note"], "alerts": ["alert.opened"], "pages": ["page.sent"],
        "acts": ["incident.moved"],
    }  # fmt: skip
