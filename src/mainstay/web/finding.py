"""Finding an item in production, for every door: who looks for what is recorded before anybody looks."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay import diagnosis
from mainstay.diagnosis import Found, Wanted
from mainstay.foundation import record
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.record import Fact
from mainstay.web.call import Call

PERMISSION = "diagnosis.find"
LOOKED_BACK = timedelta(days=1)
SERVICES_SAID = 10


def find_item(call: Call, id_: str, *, since: datetime | None, until: datetime | None) -> Found:
    """The item's timeline. Waits for production; use a thread. Without times: of the last day."""
    wanted_id, now = diagnosis.check_id(id_), call.app.clock.now()
    end = until or now
    start = since or end - LOOKED_BACK
    wanted = Wanted(wanted_id, start, end, now, call.hidden(PERMISSION))
    estate = call.view().estate
    where = [
        name for name, one in estate.services.items() if one.find and name not in wanted.hidden
    ]
    _note(
        call,
        diagnosis.blanks_of(estate).blank(wanted_id),
        where,
        start,
        end,
    )
    return diagnosis.find(estate, wanted, reach=call.app.reach)


def _note(call: Call, id_: str, where: list[str], start: datetime, end: datetime) -> None:
    """The row of the record. What is no id but a secret or a card's number stands there blanked."""
    shown = ", ".join(where[:SERVICES_SAID]) or "no service"
    words = f"{call.actor.id} looks for {id_} in {shown}"
    facts = {"id": id_, "services": where, "since": to_text(start), "until": to_text(end)}

    def work(tx: Tx) -> None:
        fact = Fact("item.searched", f"item:{id_}", words, actor=str(call.actor), facts=facts)
        version = call.app.ground.views.current_or_empty(tx).version
        record.write(tx, [fact], now=call.now, estate_version=version)

    call.app.db.run(work)
