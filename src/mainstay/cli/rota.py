"""Who is on call, and who takes whose shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.client import part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.foundation.clock import to_text

verbs = Verbs("rota")
SCHEDULE = click.argument("schedule")


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    group.add_command(oncall)
    group.add_command(override)


def person(one: Mapping[str, Any]) -> Text:
    """Who; `nobody` in red."""
    return Text(show.clean(one["person"])) if one.get("person") else show.state("nobody")


@verbs.group()
def oncall() -> None:
    """Who is on call, now and later."""


@oncall.command()
@click.argument("schedule", required=False)
@click.option("--at", metavar="TIME", help="14:00, 2026-11-22 14:00, +2h …; now if not given.")
@at_desk
def who(desk: Desk, schedule: str | None, at: str | None) -> None:
    """Who is on call, for one schedule or all, and why.

    \b
    Example: mainstay oncall who --at "2026-12-24 22:00"
    """
    client = desk.client()
    asked = to_text(desk.time(at)) if at else None
    if schedule:
        found = [client.get(f"/oncall/{part(schedule)}", at=asked)]
    else:
        found = client.get("/oncall", at=asked).get("items", [])
    look = desk.look
    desk.rows(
        found,
        {
            "schedule": lambda one: show.clean(one["schedule"]),
            "on call": person,
            "since": lambda one: look.when(one.get("since")),
            "until": lambda one: look.when(one.get("until")),
            "why": lambda one: show.clean(one.get("why")),
        },
        empty="The estate has no schedule.",
    )


@oncall.command("show")
@click.argument("schedule", required=False)
@click.option(
    "--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How many."
)
@click.option("--from", "start", metavar="TIME", help="Now if not given.")
@at_desk
def oncall_show(desk: Desk, schedule: str | None, days: int, start: str | None) -> None:
    """The shifts of the coming days; gaps say nobody.

    \b
    Example: mainstay oncall show payops-oncall --days 28
    """
    client = desk.client()
    begin = to_text(desk.time(start)) if start else None
    names = [schedule] if schedule else [
        one["schedule"] for one in client.get("/oncall").get("items", [])
    ]  # fmt: skip
    found: list[dict[str, Any]] = []
    for name in names:
        shifts = client.get(f"/oncall/{part(name)}/shifts", start=begin, days=days)
        found += [{"schedule": name, **shift} for shift in shifts.get("items", [])]
    look = desk.look
    desk.rows(
        found,
        {
            "schedule": lambda one: show.clean(one["schedule"]),
            "from": lambda one: look.when(one.get("since")),
            "until": lambda one: look.when(one.get("until")),
            "on call": person,
            "why": lambda one: show.clean(one.get("why")),
        },
        empty="No shifts in these days.",
    )


@oncall.command()
@click.argument("subject", metavar="SCHEDULE|person:ID")
@at_desk
def ical(desk: Desk, subject: str) -> None:
    """The calendar of a schedule, or of a person, as iCalendar.

    \b
    Example: mainstay oncall ical person:ana > ana.ics
    """
    kind, _, name = subject.rpartition(":")
    room = "people" if kind == "person" else "oncall"
    client = desk.client()
    path = f"/{room}/{part(name)}/calendar.ics"
    text = client.text(path)
    if not desk.dump({"calendar": text}):
        desk.out.file.write(text)


# -- overrides -------------------------------------------------------------------------------------


@verbs.group()
def override() -> None:
    """Somebody takes somebody's shift."""


def _wanted(
    desk: Desk, schedule: str, taking: tuple[str, str, str], *, instead_of: str | None, reason: str
) -> dict[str, object]:
    who_takes, start, end = taking
    wanted: dict[str, object] = {
        "schedule": schedule,
        "person": who_takes,
        "starts_at": to_text(desk.time(start)),
        "ends_at": to_text(desk.time(end)),
        "reason": reason,
    }
    return {**wanted, "instead_of": instead_of} if instead_of else wanted


@override.command("add")
@SCHEDULE
@click.argument("person_id", metavar="PERSON")
@click.option("--from", "start", metavar="TIME", default="now", help="Now if not given.")
@click.option("--until", metavar="TIME", required=True, help="When the schedule holds again.")
@click.option("--instead-of", metavar="PERSON", help="Only while this person would be on call.")
@click.option("--reason", required=True, help="Why; the override keeps it.")
@at_desk
def override_add(
    desk: Desk,
    schedule: str,
    person_id: str,
    start: str,
    until: str,
    instead_of: str | None,
    reason: str,
) -> None:
    """PERSON is on call instead, from then until then.

    \b
    Example: mainstay override add payops-oncall ben --until 18:00 --reason "dentist"
    """
    taking = (person_id, start, until)
    one = _wanted(desk, schedule, taking, instead_of=instead_of, reason=reason)
    desk.answer(desk.client().post("/overrides", {"overrides": [one]}))


@override.command("swap")
@SCHEDULE
@click.option(
    "--first",
    metavar="PERSON FROM UNTIL",
    nargs=3,
    required=True,
    help="Whose shift the second one takes.",
)
@click.option(
    "--second",
    metavar="PERSON FROM UNTIL",
    nargs=3,
    required=True,
    help="Whose shift the first one takes.",
)
@click.option("--reason", required=True, help="Why; the override keeps it.")
@at_desk
def override_swap(
    desk: Desk,
    schedule: str,
    first: tuple[str, str, str],
    second: tuple[str, str, str],
    reason: str,
) -> None:
    """Two people take each other's shifts; both or neither.

    \b
    Example: mainstay override swap payops-oncall --reason "holiday"
             --first ben 2026-12-24 2026-12-25 --second mara 2026-12-31 2027-01-01
    """
    wanted = [
        _wanted(desk, schedule, first, instead_of=second[0], reason=reason),
        _wanted(desk, schedule, second, instead_of=first[0], reason=reason),
    ]
    desk.answer(desk.client().post("/overrides", {"overrides": wanted}))


@override.command("list")
@click.argument("schedule", required=False)
@at_desk
def override_list(desk: Desk, schedule: str | None) -> None:
    """Overrides in force or to come.

    \b
    Example: mainstay override list payops-oncall
    """
    look = desk.look
    desk.rows(
        desk.client().items("/overrides", schedule=schedule),
        {
            "override": lambda one: show.clean(one["id"]),
            "schedule": lambda one: show.clean(one["schedule"]),
            "on call": person,
            "instead of": lambda one: show.clean(one.get("instead_of")),
            "from": lambda one: look.when(one.get("starts_at")),
            "until": lambda one: look.when(one.get("ends_at")),
            "reason": lambda one: show.clean(one.get("reason")),
        },
        empty="No overrides: the schedules hold.",
    )


@override.command("remove")
@click.argument("override_id", metavar="OVERRIDE")
@at_desk
def override_remove(desk: Desk, override_id: str) -> None:
    """Back to the schedule.

    \b
    Example: mainstay override remove ovr_01J…
    """
    desk.answer(desk.client().delete(f"/overrides/{part(override_id)}"))
