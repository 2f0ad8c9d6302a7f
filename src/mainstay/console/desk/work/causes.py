"""Likely causes in the incident room: what speaks for and against each, and what people say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay import acts
from mainstay.acts import commands
from mainstay.console.desk.now import incident
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Went
from mainstay.diagnosis import Verdict, live
from mainstay.foundation.db import Tx

SHOWN_MAX = 5
GLYPHS = {
    "waiting": "wait",
    "reading": "run",
    "done": "ok",
    "left behind": "warn",
    "failed": "warn",
}
TAGS = {Verdict.LIKELY: "crit", Verdict.POSSIBLE: "warn", Verdict.RULED_OUT: "plain"}


def likely(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What most likely went wrong, or how far the search for it is."""
    row = incident.found(reader, tx)
    shown = live.shown(tx, row.id, hidden=reader.hidden)
    found = shown.found if shown is not None else None
    some = found.hypotheses if found is not None else ()
    out = [one for one in some if one.verdict is Verdict.RULED_OUT]
    said = {one.cause: one for one in shown.verdicts} if shown is not None else {}
    return {
        "incident": row, "shown": shown, "found": found, "glyphs": GLYPHS, "tags": TAGS,
        "causes": [one for one in some if one.verdict is not Verdict.RULED_OUT][:SHOWN_MAX],
        "out": out[:SHOWN_MAX], "said": said, "may_act": reader.may("incidents.act"),
        "read_n": _done(shown), "when_over": not row.is_open,
    }  # fmt: skip


def _done(shown: live.Shown | None) -> int:
    """How many collectors have ended."""
    told = shown.run.progress if shown is not None else []
    return sum(one["state"] not in ("waiting", "reading") for one in told)


def again(reader: Reader) -> Went:
    """Look again."""
    return _did(reader, commands.Diagnose(reader.query["number"]))


def confirm(reader: Reader) -> Went:
    """This was it."""
    return _did(reader, commands.ConfirmCause(reader.query["number"], reader.text("cause")))


def rule_out(reader: Reader) -> Went:
    """This was not it."""
    return _did(reader, commands.RuleOutCause(reader.query["number"], reader.text("cause")))


def _did(reader: Reader, command: acts.Command) -> Went:
    done = reader.act(command)
    return Went(f"/incidents/{done.value.number}#causes", done.sentence)


PARTS = (
    Part(
        "incident/causes", "incidents.read", ("incident:{number}", "diagnosis:{number}"), likely,
        "Likely causes", ("number",),
    ),
)  # fmt: skip
_MAY = acts.PERMISSION
_ROOM = incident.SHOWINGS[0]
FORMS = (
    Form("/incidents/{number}/diagnose", _MAY[commands.Diagnose], again, _ROOM),
    Form("/incidents/{number}/confirm-cause", _MAY[commands.ConfirmCause], confirm, _ROOM),
    Form("/incidents/{number}/rule-out-cause", _MAY[commands.RuleOutCause], rule_out, _ROOM),
)
