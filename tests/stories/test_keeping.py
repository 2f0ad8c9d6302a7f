"""Mainstay keeps itself: backups that fail are told of, and the record is proved outside by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay import signin, upkeep
from mainstay.foundation import backup, due, record
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Outside
from mainstay.foundation.settings import Audit, Backup

pytestmark = pytest.mark.both


def keeping(world: Any, **settings: Any) -> Any:
    """The world's Mainstay with other settings for what it keeps."""
    return replace(world.app, settings=world.app.settings.model_copy(update=settings))


def test_backups_that_fail_are_tried_again_and_told_of_when_three_are_missing(world: Any) -> None:
    disk: list[str] = ["No space left on device."]

    def back_up(now: Any) -> backup.Made:
        if disk:
            raise Outside(disk[0])
        chain = backup.Chain(seals=0, head=None, rows=0, checkpoint=None)
        at = round(now.timestamp() * 1_000_000)
        return backup.Made("/b/a.zip", 1, "", backup.Manifest(1, at, "0", 1, (), chain))

    app = replace(keeping(world, backup=Backup(to=Path("/b"), every="1h")), back_up=back_up)
    disk.clear()
    first = world.clock.now()
    assert upkeep.back_up(app, first) == first + timedelta(hours=1)
    assert from_us(world.app.db.read(lambda tx: record.marked(tx, "backup_at"))) == first
    assert upkeep.back_up(app, world.clock.forward(minutes=59)) == first + timedelta(hours=1)
    disk.append("No space left on device.")
    for hours in (1, 2):
        world.clock.set(first + timedelta(hours=hours))
        again = upkeep.back_up(app, world.clock.now())
        assert again == world.clock.now() + timedelta(minutes=5)
    world.settle()
    assert world.incidents() == []
    world.clock.set(first + timedelta(hours=4))
    upkeep.back_up(app, world.clock.now())
    world.settle()
    assert "Backups fail: No space left" in world.incidents()[0].title
    kinds = [row["kind"] for row in world.app.db.read(lambda tx: record.latest(tx, limit=99))]
    assert kinds.count("backup.failed") == 3
    disk.clear()
    upkeep.back_up(app, world.clock.now())
    newest = from_us(world.app.db.read(lambda tx: record.marked(tx, "backup_at")))
    assert newest == world.clock.now()


def test_without_a_folder_no_backup_is_made(world: Any) -> None:
    app = replace(world.app, back_up=pytest.fail)
    assert upkeep.back_up(app, world.clock.now()) is None


def test_what_happened_is_signed_for_within_five_minutes_and_kept_outside(
    world: Any, tmp_path: Path
) -> None:
    outside, away = tmp_path / "outside.jsonl", tmp_path / "away" / "outside.jsonl"
    names = (f"file:{away}", f"file:{outside}")
    app = replace(
        keeping(world, audit=Audit(checkpoints_to=names)),
        sinks=record.sinks_of(names, node="story", egress=None),  # type: ignore[arg-type]
    )
    world.fires("pay-db")
    upkeep.seal(app, world.clock.now())
    upkeep.checkpoint(app, world.clock.now())
    assert app.db.read(record.newest_checkpoint) is None
    upkeep.checkpoint(app, world.clock.forward(minutes=5))
    signed = app.db.read(record.newest_checkpoint)
    assert signed is not None
    assert signed.key == world.app.signer.public
    again = upkeep.export(app, world.clock.now())
    assert again is not None  # the place that is away gets it later …
    assert outside.read_text() == f"{signed.as_line()}\n"  # … and holds up no other
    away.parent.mkdir()
    assert upkeep.export(app, again) is None
    assert away.read_text() == outside.read_text()
    upkeep.seal(app, world.clock.now())
    kept = record.read_lines(outside.read_text().splitlines(), where="outside")
    found = app.db.read(lambda tx: record.verify(tx, kept=kept, trusted={signed.key}))
    assert found.faults == ()
    assert found.covered == signed.rows


def test_sessions_and_links_that_open_nothing_are_forgotten_and_the_others_stay(world: Any) -> None:
    app, ids, origin = world.app, world.app.ground.ids, signin.Origin("10.0.0.1", "curl")

    def come(tx: Tx) -> str:
        opened = signin.open_session(
            tx, ids, person="mara", how="link", origin=origin, now=world.clock.now()
        )
        signin.make_link(tx, "invite", person="ben", made_by="x", now=world.clock.now())
        return opened.session.id

    def ids_of(table: str, column: str) -> set[str]:
        return app.db.read(lambda tx: {row[0] for row in tx.all(f"SELECT {column} FROM {table}")})

    old = app.db.run(come)
    live, ended = app.db.run(come), app.db.run(come)
    app.db.run(
        lambda tx: signin.end_session(
            tx, signin.session_by_id(tx, ended), actor="x", because="y", now=world.clock.now()
        )
    )
    assert upkeep.purge(app, world.clock.now()) is None
    assert ids_of("signin_session", "id") == {old, live, ended}
    world.clock.forward(days=app.settings.retention_days + 8)
    new = app.db.run(come)
    assert upkeep.purge(app, world.clock.now()) is None
    assert ids_of("signin_session", "id") == {new}
    assert len(ids_of("signin_link", "digest")) == 1


def test_only_the_owner_of_settling_signs(world: Any) -> None:
    world.fires("pay-db")
    upkeep.seal(world.app, world.clock.now())
    world.clock.forward(minutes=5)
    upkeep.seal(world.app, world.clock.now())
    world.app.db.run(lambda tx: due.hold(
        tx, "settle", owner="another", now=world.clock.now(), lease_s=60))  # fmt: skip
    upkeep.checkpoint(world.app, world.clock.now())
    assert world.app.db.read(record.newest_checkpoint) is None
