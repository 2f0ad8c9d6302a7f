"""The record: is it whole, who signs for it, what is in it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from mainstay.cli import show
from mainstay.cli.desk import FAILED, Desk, Verbs, at_desk, desk_of
from mainstay.cli.install import place_here
from mainstay.cli.keeping.passphrase import PASSPHRASE, passphrase_of
from mainstay.foundation import backup, record
from mainstay.foundation.db import Place, peek
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.foundation.secrets import resolve

CHECKPOINTS_BYTES_MAX = 256 * 1024 * 1024
"""A file of checkpoints is about 400 bytes for each five minutes: this holds six years."""
verbs = Verbs("audit")


@verbs.group()
def audit() -> None:
    """The record of everything that was done and decided."""


@audit.command()
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@click.option(
    "--checkpoints",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Hold it against the checkpoints that were kept outside.",
)
@click.option(
    "--public-key",
    "keys",
    metavar="KEY",
    multiple=True,
    help="Only checkpoints of this key count, as `audit key` shows it; may be repeated.",
)
@PASSPHRASE
@click.pass_context
def verify(
    ctx: click.Context, file: Path | None, checkpoints: Path | None, keys: tuple[str, ...],
    passphrase: str | None,
) -> None:  # fmt: skip
    """Is the record whole? Recomputes its chain, and holds it against its checkpoints.

    Works on this install's database while the server runs, or offline on FILE: a copy of a
    database, or a backup. Exit code 1 when anything does not hold.

    \b
    Example: mainstay audit verify --checkpoints /mnt/audit/mainstay.jsonl
    """
    desk = desk_of(ctx)
    kept = _kept(checkpoints) if checkpoints else []
    trusted = {record.public_key_of(key) for key in keys}
    place = place_here(desk) if file is None else Place(file)
    if file is not None and not file.is_file():
        raise NotFound(f"There is no file {file}.")
    if file is not None and backup.is_backup(file):
        with backup.open_backup(file, passphrase=passphrase_of(desk, passphrase)) as opened:
            found = opened.verify(kept=kept, trusted=trusted)
    else:
        found = peek(place, lambda tx: record.verify(tx, kept=kept, trusted=trusted))
    if not desk.dump({
        "ok": not found.faults, "rows": found.rows, "seals": found.seals,
        "unsealed": found.unsealed, "unsealed_from": found.unsealed_from, "head": found.head,
        "broken": found.broken, "faults": list(found.faults), "notes": list(found.notes),
        "checkpoints": found.checkpoints, "covered": found.covered, "keys": list(found.keys),
    }):  # fmt: skip
        _tell(desk, found, kept=bool(kept), trusted=bool(trusted))
    if found.faults:
        ctx.exit(FAILED)


def _kept(path: Path) -> list[record.Checkpoint]:
    if path.stat().st_size > CHECKPOINTS_BYTES_MAX:
        raise Invalid(f"{path} is too large for a file of checkpoints.")
    with path.open(encoding="utf-8", errors="replace") as lines:
        found = record.read_lines(lines, where=str(path))
    if not found:
        raise Invalid(f"{path} holds no checkpoint.")
    return found


def _tell(desk: Desk, found: record.Verdict, *, kept: bool, trusted: bool) -> None:
    for fault in found.faults:
        words = f"✗ The record was tampered with: {show.clean(fault)}."
        desk.out.print(Text(words, "bold red"))
    if not found.faults:
        words = f" The record is whole: {found.rows} rows under {found.seals} seals{_tail(found)}."
        desk.out.print(Text.assemble(("✓", "green"), words))
    desk.say(_cover(found, kept=kept))
    for note in found.notes:
        desk.say(f"Note: {note}.")
    if found.keys and not trusted:
        desk.say(f"Signed by {', '.join(found.keys)}; say --public-key to accept no other.")
    desk.say(f"Head: {found.head}")


def _tail(found: record.Verdict) -> str:
    if not found.unsealed:
        return ""
    return f"; {found.unsealed} rows from {found.unsealed_from} on wait for their seal"


def _cover(found: record.Verdict, *, kept: bool) -> str:
    if not found.checkpoints:
        return "No checkpoint covers it yet: that its end was cut off could not be seen."
    words = f"Checkpoints cover its first {found.covered} rows"
    if kept:
        return f"{words}."
    return f"{words}; without --checkpoints, only those in the database itself were asked."


@audit.command()
@at_desk
def key(desk: Desk) -> None:
    """The public key of this node's checkpoints. Keep it where this machine's root cannot write.

    \b
    Example: mainstay audit key > mainstay-record.pub
    """
    settings = desk.settings().settings
    where = settings.audit.key
    if where is not None:
        pem = resolve(where, environment=desk.environment)
        signer = record.signer_of(pem, where="audit.key")
    elif (settings.data_dir / record.KEY_FILE).is_file():
        signer = record.key_in(settings.data_dir)
    else:
        words = f"There is no key in {settings.data_dir} yet; mainstay serve makes it."
        raise NotFound(words)
    if not desk.dump({"key": signer.public}):
        desk.out.file.write(f"{signer.public}\n")


@audit.command()
@click.option(
    "--after", metavar="NUMBER", type=click.IntRange(0), default=0, help="Only later ones."
)
@at_desk
def checkpoints(desk: Desk, after: int) -> None:
    """The signed checkpoints, one line of JSON each, to be kept elsewhere by hand.

    \b
    Example: mainstay audit checkpoints > checkpoints.jsonl
    """
    found = peek(place_here(desk), lambda tx: record.checkpoints_after(tx, after, limit=1 << 31))
    for one in found:
        desk.out.file.write(f"{one.as_line()}\n")
    if not found and not desk.json:
        desk.say("No checkpoint was signed yet.")


@audit.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most.",
)
@at_desk
def log(desk: Desk, limit: int) -> None:
    """The newest rows of the record, oldest first.

    \b
    Example: mainstay audit log --limit 200
    """
    newest = desk.client().pages("/record", limit=limit, cursor="before")
    found = sorted(newest, key=lambda one: one["seq"])
    look = desk.look
    desk.rows(
        found,
        {
            "seq": lambda one: show.clean(one["seq"]),
            "at": lambda one: look.when(one["at"]),
            "who": lambda one: show.clean(one["actor"]),
            "kind": lambda one: show.clean(one["kind"]),
            "what": lambda one: show.clean(one["because"]),
        },
        empty="The record is empty.",
    )
