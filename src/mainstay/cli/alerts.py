"""What comes in: alerts, silences, raw signals, and what a person reports."""

from __future__ import annotations

import click

from mainstay.cli import show
from mainstay.cli.client import part
from mainstay.cli.desk import Desk, Verbs, at_desk
from mainstay.foundation.clock import to_text
from mainstay.foundation.errors import Invalid

LIMIT = click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most.",
)
verbs = Verbs("alerts")


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (report, alerts, silence, signals):
        group.add_command(command)


@verbs.command()
@click.argument("summary", nargs=-1, required=True)
@click.option("--service", help="What it is about; else the routes decide.")
@click.option(
    "--severity",
    type=click.Choice(["critical", "error", "warning", "info"]),
    help="How bad it is; else as the source says.",
)
@click.option("--details", help="More than fits in a line.")
@at_desk
def report(
    desk: Desk,
    summary: tuple[str, ...],
    service: str | None,
    severity: str | None,
    details: str | None,
) -> None:
    """Tell of trouble that no machine has noticed.

    \b
    Example: mainstay report "card payments fail" --service checkout --severity critical
    """
    given = {"service": service, "severity": severity, "details": details}
    body = {key: value for key, value in given.items() if value is not None}
    answer = desk.client().post("/report", {"summary": " ".join(summary), **body})
    if not desk.dump(answer):
        receipt = show.clean(answer["receipt"])
        desk.say(f"Received as {receipt}. What becomes of it: mainstay trace {receipt}")


@verbs.command()
@click.option("--all", "every", is_flag=True, help="Closed ones too.")
@click.option("--service", help="Of one service only.")
@LIMIT
@at_desk
def alerts(desk: Desk, every: bool, service: str | None, limit: int) -> None:
    """Open alerts.

    \b
    Example: mainstay alerts --service pay-db
    """
    state = "all" if every else "open"
    found = list(desk.client().pages("/alerts", limit=limit, state=state, service=service))
    look = desk.look
    desk.rows(
        found,
        {
            "alert": lambda one: show.clean(one["id"]),
            "severity": lambda one: show.state(one["severity"]),
            "service": lambda one: show.clean(one["service"]),
            "state": lambda one: show.state(one["state"]),
            "age": lambda one: look.age(one["opened_at"]),
            "repeats": lambda one: show.clean(one["repeats"]),
            "silenced by": lambda one: show.clean(one.get("silence")),
            "summary": lambda one: show.clean(one["summary"]),
        },
        empty="No alerts." if every else "No alert is open.",
    )


# -- silences --------------------------------------------------------------------------------------


@verbs.group()
def silence() -> None:
    """Mute alerts by their labels, until an end."""


@silence.command("add")
@click.argument("matchers", metavar="LABEL=VALUE...", nargs=-1, required=True)
@click.option("--for", "length", metavar="2h", help="From now, or from --from on.")
@click.option("--until", metavar="TIME", help="14:00, 2026-11-22 14:00, +2h …")
@click.option("--from", "start", metavar="TIME", help="When it begins; now if not given.")
@click.option("--reason", required=True, help="Why it may be mute.")
@at_desk
def silence_add(
    desk: Desk,
    matchers: tuple[str, ...],
    length: str | None,
    until: str | None,
    start: str | None,
    reason: str,
) -> None:
    """Mute what matches all of these (=, !=, =~, !~).

    \b
    Example: mainstay silence add service=pay-db --for 2h --reason "planned fail-over"
    """
    if (length is None) == (until is None):
        raise Invalid("Say when it ends: --for 2h, or --until 14:00.")
    body: dict[str, object] = {"matchers": list(matchers), "reason": reason}
    if start:
        body["starts_at"] = to_text(desk.time(start))
    if until:
        body["ends_at"] = to_text(desk.time(until))
    else:
        body["for"] = length
    desk.answer(desk.client().post("/silences", body))


@silence.command("list")
@click.option("--all", "every", is_flag=True, help="Ended ones of the last 30 days too.")
@at_desk
def silence_list(desk: Desk, every: bool) -> None:
    """Silences in force or to come.

    \b
    Example: mainstay silence list --all
    """
    found = desk.client().items("/silences", state="all" if every else "live")
    look = desk.look
    desk.rows(
        found,
        {
            "silence": lambda one: show.clean(one["id"]),
            "state": lambda one: show.state(one.get("state")),
            "matchers": lambda one: show.clean(one["matchers"]),
            "from": lambda one: look.when(one.get("starts_at")),
            "until": lambda one: look.when(one.get("ends_at")),
            "by": lambda one: show.clean(one.get("author")),
            "reason": lambda one: show.clean(one.get("reason")),
        },
        empty="Nothing is silenced.",
    )


@silence.command("end")
@click.argument("silence_id", metavar="SILENCE")
@at_desk
def silence_end(desk: Desk, silence_id: str) -> None:
    """Let it speak again now; what still fires pages.

    \b
    Example: mainstay silence end sil_01J…
    """
    desk.answer(desk.client().delete(f"/silences/{part(silence_id)}"))


# -- signals ---------------------------------------------------------------------------------------


@verbs.group()
def signals() -> None:
    """Raw requests as they came in; those with problems."""


@signals.command("list")
@LIMIT
@at_desk
def signals_list(desk: Desk, limit: int) -> None:
    """Signals that could not be read in whole, or not be settled.

    \b
    Example: mainstay signals list
    """
    look = desk.look
    desk.rows(
        list(desk.client().pages("/signals", limit=limit)),
        {
            "receipt": lambda one: show.clean(one["receipt"]),
            "received": lambda one: look.when(one.get("received_at")),
            "source": lambda one: show.clean(one.get("source")),
            "state": lambda one: show.state(one.get("state")),
            "problem": lambda one: problem_of(one.get("problem")),
        },
        empty="Every signal could be read and settled.",
    )


def problem_of(problem: object) -> str:
    """What is wrong with a signal, and with its first item."""
    if not isinstance(problem, dict):
        return show.clean(problem)
    items = problem.get("items") or []
    words = [problem.get("sentence")] if problem.get("sentence") else []
    words += [f"item {one.get('n')}: {one.get('sentence')}" for one in items[:1]]
    more = f" and {len(items) - 1} more" if len(items) > 1 else ""
    return show.clean("; ".join(map(str, words))) + more


@signals.command("show")
@click.argument("receipt")
@at_desk
def signals_show(desk: Desk, receipt: str) -> None:
    """One signal, with its body as it came (credentials blanked).

    \b
    Example: mainstay signals show rcp_01J…
    """
    one = desk.client().get(f"/signals/{part(receipt)}")
    if desk.dump(one):
        return
    body = one.pop("body", "")
    one["received_at"] = desk.look.when(one.get("received_at"))
    one["problem"] = problem_of(one.get("problem"))
    show.pairs(desk.out, show.named(one, *one))
    desk.say("")
    desk.say(body)


@signals.command("release")
@click.argument("receipt")
@at_desk
def signals_release(desk: Desk, receipt: str) -> None:
    """Try a quarantined signal again.

    \b
    Example: mainstay signals release rcp_01J…
    """
    desk.answer(desk.client().post(f"/signals/{part(receipt)}/release"))
