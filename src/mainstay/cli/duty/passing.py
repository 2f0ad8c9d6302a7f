"""The end of a shift from the terminal: its log, what is left to do, the handover."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.client import Client, part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Invalid

verbs = Verbs("passing")
TEAM = click.option(
    "--team", metavar="ID", help="Which team; the only one with shifts if not given."
)
HANDOVER = click.argument("handover_id", metavar="[HANDOVER]", required=False)
_SECTIONS = {
    "incidents": "Open incidents",
    "silences": "Silences",
    "flapping": "What flaps",
    "changes": "What was changed",
    "due": "What is due",
    "waivers": "Waivers",
    "followups": "To follow up",
}
_STATES = {"accepted": "green", "offered": "yellow", "draft": "", "lapsed": "bold red"}


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    group.add_command(handover)
    group.add_command(shift_log)


# -- the handover ----------------------------------------------------------------------------------


@verbs.group(invoke_without_command=True)
@click.pass_context
def handover(ctx: click.Context) -> None:
    """From this shift to the next: read it, add to it, offer it, accept it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(handover_show)


@handover.command("show")
@HANDOVER
@TEAM
@at_desk
def handover_show(desk: Desk, handover_id: str | None, team: str | None) -> None:
    """The newest handover, or HANDOVER: what the next shift takes over.

    \b
    Example: mainstay handover show
    """
    found = _one(desk.client(), handover_id, team)
    if desk.dump(found):
        return
    content, when = found["content"], desk.look.when
    to = f" to {found['next_shift']}" if found["next_shift"] else ""
    desk.say(
        f"{found['team']}: {found['shift']}{to}, {found['state']}, ends {when(found['ends_at'])}"
    )
    desk.say(content["sentence"])
    if content["staffing"]:
        one = content["staffing"]
        short = f", {one['missing']} too few" if one["missing"] else ""
        desk.say(f"{one['shift']} from {when(one['starts_at'])}: {one['sentence']}{short}")
    if content["said"]:
        desk.say(f"\n{content['said']}")
    for name, title in _SECTIONS.items():
        if content[name]:
            desk.say(f"\n{title}", "bold")
        for line in content[name]:
            desk.say(f"  {_said(desk, name, line)}")
    if found["accepted_by"]:
        desk.say(f"\nAccepted by {found['accepted_by']} {when(found['accepted_at'])}.")


@handover.command("list")
@TEAM
@at_desk
def handover_list(desk: Desk, team: str | None) -> None:
    """The newest handovers.

    \b
    Example: mainstay handover list
    """
    look = desk.look
    desk.rows(
        desk.client().items("/handovers", team=team),
        {
            "handover": lambda one: show.clean(one["id"]),
            "team": lambda one: show.clean(one["team"]),
            "shift": lambda one: show.clean(one["shift"]),
            "ends": lambda one: look.when(one["ends_at"]),
            "state": lambda one: Text(one["state"], style=_STATES.get(one["state"], "")),
            "offered by": lambda one: show.clean(one.get("offered_by")),
            "accepted by": lambda one: show.clean(one.get("accepted_by")),
        },
        empty="No handover yet: one is drafted half an hour before a shift ends.",
    )


@handover.command("edit")
@HANDOVER
@click.option("--say", "said", required=True, help="What the next ones should know.")
@TEAM
@at_desk
def handover_edit(desk: Desk, handover_id: str | None, said: str, team: str | None) -> None:
    """Add your words; they replace those that were there.

    \b
    Example: mainstay handover edit --say "the card scheme is slow; ring Nexi at 16:00"
    """
    _do(desk, handover_id, team, "edit", {"said": said})


@handover.command("offer")
@HANDOVER
@click.option("--say", "said", help="What the next ones should know.")
@TEAM
@at_desk
def handover_offer(desk: Desk, handover_id: str | None, said: str | None, team: str | None) -> None:
    """You hand over.

    \b
    Example: mainstay handover offer --say "quiet day"
    """
    _do(desk, handover_id, team, "offer", {} if said is None else {"said": said})


@handover.command("accept")
@HANDOVER
@click.option("--note", default="", help="What you say to it.")
@TEAM
@at_desk
def handover_accept(desk: Desk, handover_id: str | None, note: str, team: str | None) -> None:
    """You take over: what it says is frozen.

    \b
    Example: mainstay handover accept
    """
    _do(desk, handover_id, team, "accept", {"note": note})


def _do(
    desk: Desk, handover_id: str | None, team: str | None, verb: str, body: dict[str, object]
) -> None:  # fmt: skip
    client = desk.client()
    found = _one(client, handover_id, team)
    desk.answer(client.post(f"/handovers/{part(found['id'])}/{verb}", body))


def _one(client: Client, handover_id: str | None, team: str | None) -> dict[str, Any]:
    if handover_id is None:
        newest = client.items("/handovers", team=team, limit=1)
        if not newest:
            raise Invalid("No handover yet: one is drafted half an hour before a shift ends.")
        handover_id = str(newest[0]["id"])
    return client.get(f"/handovers/{part(handover_id)}")


def _said(desk: Desk, section: str, line: dict[str, Any]) -> str:
    """One line of a section, in words."""
    when = desk.look.when
    match section:
        case "incidents":
            step = f"; next: {line['next_step']}" if line["next_step"] else ""
            owner = line["owner"] or "nobody has it"
            return f"{line['name']} {line['priority']} {line['title']} ({line['state']}; {owner}{step})"
        case "silences":
            return (
                f"{line['what']} until {when(line['ends_at'])}: {line['reason']} ({line['author']})"
            )
        case "flapping":
            return f"{line['service']}: {line['summary']}, {line['times']} times"
        case "changes":
            return f"{when(line['at'])} {line['service'] or ''} {line['summary']}"
        case "due":
            return f"{when(line['at'])} {line['what']}"
        case "waivers":
            return f"{line['checklist']} {line['item']} until {when(line['ends_at'])}, {line['owner']}: {line['reason']}"
        case _:
            owner = f" ({line['owner']})" if line["owner"] else ""
            return f"{line['text']}{owner}  {line['id']}"


# -- the log ---------------------------------------------------------------------------------------


@verbs.group("shift-log", invoke_without_command=True)
@click.pass_context
def shift_log(ctx: click.Context) -> None:
    """What happened in this shift, and what is left to do."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(log_show)


@shift_log.command("show")
@TEAM
@click.option("--from", "start", metavar="TIME", help="The beginning of the shift if not given.")
@click.option("--until", metavar="TIME", help="Now if not given.")
@at_desk
def log_show(desk: Desk, team: str | None, start: str | None, until: str | None) -> None:
    """The log, oldest first: it fills itself from the record.

    \b
    Example: mainstay shift-log show --from 06:00
    """
    client = desk.client()
    name = _team(client, team)
    begin = to_text(desk.time(start)) if start else None
    end = to_text(desk.time(until)) if until else None
    desk.rows(
        client.items(f"/teams/{part(name)}/log", start=begin, end=end),
        {
            "when": lambda one: desk.look.when(one["at"]),
            "who": lambda one: show.clean(one["actor"].removeprefix("person:")),
            "what": lambda one: show.clean(one["because"]),
        },
        empty="Nothing happened in this shift.",
    )


@shift_log.command("write")
@click.argument("text")
@TEAM
@at_desk
def log_write(desk: Desk, text: str, team: str | None) -> None:
    """Write a line.

    \b
    Example: mainstay shift-log write "called Nexi, case 4711"
    """
    client = desk.client()
    desk.answer(client.post(f"/teams/{part(_team(client, team))}/log", {"text": text}))


@shift_log.command("who")
@TEAM
@click.option("--days", type=click.IntRange(1, 62), default=1, show_default=True, help="How many.")
@at_desk
def log_who(desk: Desk, team: str | None, days: int) -> None:
    """The shifts, who works them, and whether they are enough.

    \b
    Example: mainstay shift-log who --days 7
    """
    client = desk.client()
    look = desk.look
    desk.rows(
        client.items(f"/teams/{part(_team(client, team))}/shifts", days=days),
        {
            "shift": lambda one: show.clean(one["shift"]),
            "from": lambda one: look.when(one["starts_at"]),
            "until": lambda one: look.when(one["ends_at"]),
            "lead": lambda one: show.clean(one.get("lead")),
            "who": lambda one: show.clean(one["sentence"]),
            "": lambda one: (
                Text(f"{one['missing']} too few", style="bold red") if one["missing"] else Text("")
            ),
        },
        empty="No shift in these days.",
    )


@shift_log.command("todo")
@TEAM
@at_desk
def log_todo(desk: Desk, team: str | None) -> None:
    """What is left to follow up.

    \b
    Example: mainstay shift-log todo
    """
    client = desk.client()
    desk.rows(
        client.items(f"/teams/{part(_team(client, team))}/followups"),
        {
            "follow-up": lambda one: show.clean(one["id"]),
            "since": lambda one: desk.look.when(one["at"]),
            "owner": lambda one: show.clean(one.get("owner")),
            "what": lambda one: show.clean(one["text"]),
        },
        empty="Nothing is left to follow up.",
    )


@shift_log.command("follow-up")
@click.argument("text")
@click.option(
    "--owner", metavar="PERSON", help="Who sees to it; whoever has the shift if not given."
)
@TEAM
@at_desk
def log_follow_up(desk: Desk, text: str, owner: str | None, team: str | None) -> None:
    """Leave something for a later shift to do.

    \b
    Example: mainstay shift-log follow-up "order a disk for pg-02" --owner ben
    """
    client = desk.client()
    body = {"text": text} | ({"owner": owner} if owner else {})
    desk.answer(client.post(f"/teams/{part(_team(client, team))}/followups", body))


@shift_log.command("done")
@click.argument("followup")
@at_desk
def log_done(desk: Desk, followup: str) -> None:
    """A follow-up is done.

    \b
    Example: mainstay shift-log done fup_01J…
    """
    desk.answer(desk.client().delete(f"/followups/{part(followup)}"))


def _team(client: Client, team: str | None) -> str:
    """The team that is meant: the only one that has shifts."""
    if team is not None:
        return team
    declared = client.get("/estate").get("estate", {}).get("teams", {})
    having = [name for name, one in declared.items() if one.get("shifts")]
    if len(having) == 1:
        return str(having[0])
    known = ", ".join(having or declared)
    raise Invalid(f"Which team? Name it with --team: {known}.")
