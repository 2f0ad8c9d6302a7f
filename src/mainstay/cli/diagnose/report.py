"""A diagnosis as a terminal shows it."""

from __future__ import annotations

from rich.text import Text

from mainstay.cli import show
from mainstay.cli.desk import Desk
from mainstay.diagnosis import Diagnosis, Evidence, Hypothesis, Verdict

VERDICT_STYLES = {Verdict.LIKELY: "bold red", Verdict.POSSIBLE: "yellow", Verdict.RULED_OUT: "dim"}
SHOWN_MAX = 5


def tell(desk: Desk, found: Diagnosis) -> None:
    """The report for a terminal."""
    desk.out.print(Text(show.clean(found.sentence), "bold"))
    for number, one in enumerate(found.hypotheses[:SHOWN_MAX], start=1):
        _tell_one(desk, number, one)
    if len(found.hypotheses) > SHOWN_MAX:
        desk.say(f"\n… and {len(found.hypotheses) - SHOWN_MAX} more; --json has them all.")
    if found.looked_at:
        desk.out.print(Text(f"\nLooked at {', '.join(found.looked_at)}.", "dim"))
    for note in found.notes:
        desk.out.print(Text(f"Not used: {show.clean(note)}", "yellow"))


def _tell_one(desk: Desk, number: int, one: Hypothesis) -> None:
    desk.out.print(
        Text.assemble(
            (f"\n{number}. ", "dim"),
            (one.verdict.value, VERDICT_STYLES[one.verdict]),
            ("  ", ""),
            (f"[{one.cause_class.value}] ", "cyan"),
            show.clean(one.sentence),
        )
    )
    for mark, style, rows in (
        ("+", "green", one.speaks_for),
        ("−", "red", one.speaks_against),
    ):
        for each in rows:
            desk.out.print(Text.assemble((f"   {mark} ", style), _seen(each)))
    if one.since:
        desk.out.print(
            Text(f"   since {show.clean(one.since.isoformat(timespec='seconds'))}", "dim")
        )
    if one.confirm:
        desk.out.print(Text.assemble(("   ? ", "cyan"), show.clean(one.confirm)))


def _seen(evidence: Evidence) -> str:
    source = f" ({show.clean(evidence.source)})" if evidence.source else ""
    return f"{show.clean(evidence.sentence)}{source}"
