"""This install: is it well set up, how does it do; and acts without a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any

import click
from rich.text import Text

from mainstay import acts, estate, paging, people, pipeline, signals, signin, telemetry
from mainstay.cli import show
from mainstay.cli.desk import FAILED, Desk, Verbs, at_desk, desk_of
from mainstay.foundation import backup, record, sealing
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import (
    DURABLE,
    Place,
    Tx,
    in_force,
    open_database,
    peek,
    place_of,
    require_primary,
    schema_number,
    schema_of,
    sqlite_in_force,
    standing,
)
from mainstay.foundation.db.place import FILE
from mainstay.foundation.errors import Invalid, MainstayError, NotFound
from mainstay.foundation.ids import Ids
from mainstay.foundation.sealing import Keys, Ring
from mainstay.foundation.settings import Settings
from mainstay.foundation.settings.doctor import Accounts, Check, Durable, Kept, checks, machine
from mainstay.ground import Ground
from mainstay.people import OPERATOR
from mainstay.watchdog import last_sign

SIGN_COUNTS_FOR = timedelta(minutes=5)
"""Of the watchdog; an older sign tells of a server that has ended."""
verbs = Verbs("install")


def register(group: click.Group) -> None:
    """Add these commands to the program's."""
    for command in (status, nodes, shadow, doctor):
        group.add_command(command)


# -- without a server ------------------------------------------------------------------------------


def act_here(desk: Desk, command: acts.Command) -> acts.Done:
    """Perform an act on this install's database, as the operator; works beside a running server."""
    place = place_here(desk)
    settings = desk.settings().settings
    os.umask(0o077)
    backup.before_upgrade(place, settings, environment=desk.environment, now=desk.now())
    with closing(open_database(place)) as db:
        ground = Ground(
            ids=Ids(),
            views=estate.Views(),
            limits=paging.Limits(settings.page_per_minute, settings.public_url),
            node="cli",
            token=lambda: "",
            check_address=_no_address,
        )
        now = desk.now()
        return db.run(lambda tx: pipeline.act(tx, ground, command, actor=OPERATOR, now=now))


def _no_address(kind: str, address: str) -> str:
    raise Invalid(f"Ask the server to add {kind} {address}; it knows the channels.")


def place_here(desk: Desk) -> Place:
    """The database of this install. NotFound when there is none yet."""
    place = place_of(desk.settings().settings, environment=desk.environment)
    if not place.exists:
        raise NotFound(f"There is no database in {desk.data_dir}. Start one with: mainstay serve")
    return place


# -- status and shadow -----------------------------------------------------------------------------


@verbs.command()
@at_desk
def status(desk: Desk) -> None:
    """How the running Mainstay does.

    \b
    Example: mainstay status
    """
    found = desk.client().get("/status")
    if desk.dump(found):
        return
    look = desk.look
    rows: list[tuple[str, show.Cell]] = []
    for name, value in found.items():
        words = show.clean(value)
        if name.endswith("_at") and value:
            words = f"{look.when(value)} ({look.age(value)} ago)"
        elif name == "last_page" and value:
            at = value.get("sent_at") or value["due_at"]
            words = f"{value['state']}, to {value['person']} by {value['channel']}, {look.when(at)}"
        elif name == "database":
            words = f"{value['engine']} {value['version']}"
            words += f"; {value['warning']}" if value["warning"] else ""
        elif name == "watchdog" and value:
            words = " ".join(value["findings"]) or "all is well"
            words = f"looked {look.age(value['at'])} ago: {words}"
        rows.append((name.replace("_", " "), show.clean(words)))
    show.pairs(desk.out, rows)


@verbs.command()
@at_desk
def nodes(desk: Desk) -> None:
    """The programs that work on this database: who is up, who is lost, who settles.

    \b
    Example: mainstay nodes
    """
    look = desk.look
    heads: dict[str, Callable[[Mapping[str, Any]], show.Cell]] = {
        "NODE": lambda one: show.clean(one["id"] + (" (here)" if one["answers"] else "")),
        "HOST": lambda one: show.clean(one["host"]),
        "PID": lambda one: str(one["pid"]),
        "LISTENS": lambda one: show.clean(one["listen"]),
        "VERSION": lambda one: show.clean(one["version"]),
        "SCHEMA": lambda one: str(one["schema"]),
        "STATE": lambda one: show.state(one["standing"]),
        "SEEN": lambda one: f"{look.age(one['seen_at'])} ago",
        "SINCE": lambda one: look.when(one["started_at"]),
        "ROLES": lambda one: show.clean(one["roles"]),
    }
    desk.rows(desk.client().get("/nodes")["items"], heads, empty="No node has signed on yet.")


@verbs.command()
@click.option("--day", metavar="YYYY-MM-DD", help="In UTC; today if not given.")
@at_desk
def shadow(desk: Desk, day: str | None) -> None:
    """What shadow mode kept back in a day.

    Compare it with what your other tool has sent.

    \b
    Example: mainstay shadow --day 2026-11-22
    """
    if day is not None and not _is_day(day):
        raise Invalid(f"--day: {day!r} is not a day; write it as 2026-11-22.")
    found = desk.client().get("/shadow", day=day)
    if desk.dump(found):
        return
    if found.get("sentence"):
        desk.say(found.pop("sentence"))
    show.pairs(desk.out, show.named(found, *found))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


# -- doctor ----------------------------------------------------------------------------------------


@verbs.command()
@click.option("--allow-root", is_flag=True, default=None, help="Judge as serve --allow-root.")
@click.pass_context
def doctor(ctx: click.Context, allow_root: bool | None) -> None:
    """Settings, where each comes from, what is amiss.

    \b
    Example: mainstay doctor
    """
    desk = desk_of(ctx, {"allow_root": allow_root})
    loaded = desk.settings()
    os.umask(0o077)  # as serve does, so that it is serve's umask that is judged
    found = _examine(desk, loaded.settings)
    well = all(check.ok or not check.grave for check in found)
    if not desk.dump({
        "ok": well,
        "file": str(loaded.file) if loaded.file else None,
        "settings": [
            {"name": name, "value": value, "origin": origin}
            for name, value, origin in loaded.in_force()
        ],
        "checks": [
            {"name": c.name, "ok": c.ok, "grave": c.grave, "sentence": c.sentence} for c in found
        ],
    }):  # fmt: skip
        desk.say(f"Settings file: {loaded.file or 'none'}\n")
        show.table(desk.out, ["setting", "from", "value"], [
            (name, Text(origin, "dim" if origin == "default" else ""), show.clean(value))
            for name, value, origin in loaded.in_force()
        ])  # fmt: skip
        desk.say("")
        for check in found:
            bad = Text("✗", "bold red") if check.grave else Text("!", "bold yellow")
            mark = Text("✓", "green") if check.ok else bad
            desk.out.print(Text.assemble(mark, f" {check.name}: {show.clean(check.sentence)}"))
    if not well:
        ctx.exit(FAILED)


def _examine(desk: Desk, settings: Settings) -> list[Check]:
    """Every check; what only the database knows is left out while there is none."""
    found = machine(settings, environment=desk.environment, database=settings.data_dir / FILE)
    known: dict[str, Any] = {}
    try:
        place = place_of(settings, environment=desk.environment)
        if place.exists:
            known = peek(place, lambda tx: _known(tx, place, settings, desk.environment))
    except MainstayError as error:
        if not settings.database:
            raise
        known = {"server": [Check("database", False, error.sentence)]}
    return checks(
        settings, found, now=desk.now(), wrong=_wrong(desk, settings),
        telemetry=_telemetry(desk, settings), **known,
    )  # fmt: skip


def _telemetry(desk: Desk, settings: Settings) -> Check | None:
    """How its keeping stands; None where none is wanted."""
    if not settings.telemetry.keep:
        return None
    ok, words = telemetry.standing(settings, now=desk.now())
    return Check("telemetry", ok, words, grave=False)


def _wrong(desk: Desk, settings: Settings) -> list[str]:
    """What the watchdog found at its newest look, if that was a moment ago."""
    sign = last_sign(settings.data_dir)
    if sign is None or desk.now() - sign.at > SIGN_COUNTS_FOR:
        return []
    return [one.finding.sentence for one in sign.findings]


def _known(
    tx: Tx, place: Place, settings: Settings, environment: Mapping[str, str]
) -> dict[str, Any]:
    """What the database says of itself and of this install."""
    known: dict[str, Any] = {"server": _server(tx, place)} if place.url else {}
    known["sealed"] = _sealed(tx, Keys.of(settings, environment=environment))
    known["durable"] = _durable(in_force(tx) if place.url else sqlite_in_force(place.path))
    if schema_of(tx) < schema_number():  # new, or serve will migrate it
        return known
    newest = record.newest_checkpoint(tx)
    kept = Kept(
        backup_at=_mark(tx, "backup_at"), checkpoints=newest.number if newest else 0,
        waiting=record.waiting_for(tx, settings.audit.checkpoints_to),
    )  # fmt: skip
    return known | {
        "alive_at": _mark(tx, "alive_at"), "keys": _keys(tx) or None, "kept": kept,
        "accounts": _accounts(tx),
    }  # fmt: skip


def _mark(tx: Tx, name: str) -> datetime | None:
    at = record.marked(tx, name)
    return None if at is None else from_us(at)


def _server(tx: Tx, place: Place) -> list[Check]:
    """Whether we can use the server, and whether it keeps what it commits when it fails over."""
    require_primary(tx, place)
    how = standing(tx)
    words = f"PostgreSQL {how.version} at {place}."
    calm = "No standby is connected that could lose what was acknowledged."
    return [
        Check("database", True, words),
        Check("standby", how.warning is None, how.warning or calm),
    ]


def _sealed(tx: Tx, keys: Keys) -> Check:
    """Whether the key of the secrets in this database is here, and opens them."""
    try:
        key = sealing.check(sealing.row_in_force(tx), Ring(keys))
        spare = [one.id for one in keys.read() if one.id != key]
    except MainstayError as error:
        return Check("sealed secrets", False, error.sentence)
    if key is None:
        return Check("sealed secrets", True, "The database holds no secret yet.")
    words = f"Secrets in the database are sealed under key {key}, in {keys.where}"
    if keys.are_inside:
        words += ": whoever copies the data folder has both. Move it out, and say in secrets.key where it is"
        return Check("sealed secrets", False, f"{words}.", grave=False)
    if spare:
        words += f"; it holds {' and '.join(spare)} too"
    return Check("sealed secrets", True, f"{words}.")


def _durable(found: Mapping[str, str]) -> Durable:
    return Durable(found, [name for name, value in found.items() if value not in DURABLE[name]])


def _keys(tx: Tx) -> dict[str, int]:
    """Source → number of its keys in force."""
    version = estate.current(tx)
    found = dict.fromkeys(version.estate.sources if version else (), 0)
    for key in signals.list_keys(tx):
        if key.revoked_at_us is None and key.source in found:
            found[key.source] += 1
    return found


def _accounts(tx: Tx) -> Accounts:
    """Who may sign in."""
    version = estate.current(tx)
    declared = version.estate.people if version else {}
    found = [
        one for one in signin.all_accounts(tx) if signin.is_open(tx, one.person, declared=declared)
    ]
    admins = {one.person for one in people.holders(tx)}
    return Accounts(len(found), len([one for one in found if one.person in admins]))
