"""A diagnosis that the server makes: asked for, followed while it reads, told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.client import Client, part
from mainstay.cli.desk import Desk
from mainstay.cli.diagnose.report import tell
from mainstay.diagnosis import Diagnosis, from_facts
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Broken, Invalid, TimedOut

ASK_EVERY_S = 0.3
WAIT_S = 180.0
HOUR = timedelta(hours=1)
STYLES = {"done": "green", "reading": "cyan", "failed": "yellow", "left behind": "yellow"}
Json = Mapping[str, Any]


def of_incident(desk: Desk, name: str) -> Json:
    """Have an incident's cause looked for, again; the answer when it is there."""
    client = desk.client()
    asked = client.post(f"/incidents/{part(name)}/diagnosis")
    return _followed(desk, client, f"/incidents/{part(name)}/diagnosis", asked["run"])


def of_service(desk: Desk, name: str, begins: str | None, ends: str | None) -> Json:
    """Have the trouble of a service looked into; without times, that of the last hour."""
    client = desk.client()
    now = desk.now()
    since = desk.time(begins) if begins else now - HOUR
    body = {"service": name, "from": to_text(since)}
    if ends:
        body["to"] = to_text(desk.time(ends))
    asked = client.post("/diagnosis", body)
    return _followed(desk, client, f"/diagnosis/{part(asked['run'])}", asked["run"])


def judge(desk: Desk, name: str, place: int, *, verdict: str) -> None:
    """Confirm or rule out a cause by its number in the report."""
    client = desk.client()
    shown = client.get(f"/incidents/{part(name)}/diagnosis")
    causes = (shown["diagnosis"] or {}).get("hypotheses", [])
    if not 1 <= place <= len(causes):
        raise Invalid(f"There are {len(causes)} causes; {place} is none of them.")
    path = f"/incidents/{part(name)}/diagnosis/{verdict}"
    desk.answer(client.post(path, {"cause": causes[place - 1]["id"]}))


def _followed(desk: Desk, client: Client, path: str, run: str) -> Json:
    """Ask until that run is over; drawn live at a terminal."""
    end = time.monotonic() + WAIT_S
    live = Live(console=desk.out, auto_refresh=False, transient=True)
    draws = desk.out.is_terminal and not desk.json
    if draws:
        live.start()
    try:
        while True:
            found = client.get(path)
            if found["state"] in ("made", "failed") and found["run"] == run:
                break
            if draws:
                live.update(progress(found), refresh=True)
            if time.monotonic() > end:
                raise TimedOut(f"The diagnosis was not made within {WAIT_S:g} s; ask again later.")
            time.sleep(ASK_EVERY_S)
    finally:
        if draws:
            live.stop()
    if found["state"] == "failed":
        raise Broken("The diagnosis could not be made; the log of the server says why.")
    return found


def progress(found: Json) -> Table:
    """How far each collector is."""
    drawn = Table.grid(padding=(0, 2))
    for one in found["progress"] or [{"name": "about to begin", "state": "waiting", "found": 0}]:
        state = show.clean(one["state"])
        what = f"{one['found']:,} things" if one["state"] == "done" else ""
        drawn.add_row(show.clean(one["name"]), Text(state, STYLES.get(state, "dim")), what)
    return drawn


def result_of(found: Json) -> Diagnosis:
    """The diagnosis in an answer."""
    return from_facts(found["diagnosis"])


def tell_all(desk: Desk, found: Json) -> None:
    """The whole report for a terminal."""
    if found["business"]:
        desk.out.print(Text.assemble(("For customers: ", "bold"), show.clean(found["business"])))
    tell(desk, result_of(found))
    if found["seen_before"]:
        desk.out.print(Text("\nSeen before", "bold"))
    for one in found["seen_before"]:
        desk.say(f"{one['name']} {one['title']}: {one['because']}.")
        if one["cause"]:
            desk.say(f"   it was: {one['cause']}")
        if one["fixed"]:
            desk.say(f"   what ended it: {one['fixed']}")
