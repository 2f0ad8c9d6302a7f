"""With one checkpoint kept outside, whatever is done to the record up to there shows."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
import trustme

from mainstay.foundation import record
from mainstay.foundation.db import Database, Place, Tx, open_database
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, Unreachable
from mainstay.foundation.record import Checkpoint, Fact, Signer, Verdict
from mainstay.foundation.record.sinks import syslog_message

pytestmark = pytest.mark.both
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TAMPERINGS = 1_000
SEALS, ROWS = 9, 6
EVERY = timedelta(minutes=5)


def take(tx: Tx, signer: Signer) -> Checkpoint | None:
    return record.take_checkpoint(tx, signer, now=NOW, node="n1", estate_version=1)


def write_and_seal(tx: Tx, number: int) -> None:
    facts = [Fact("a.kind", f"s{number}.{n}", f"because {n}") for n in range(ROWS)]
    record.write(tx, facts, now=NOW, estate_version=1)
    record.seal(tx, NOW + timedelta(seconds=number))


@dataclass
class Kept:
    """A record with checkpoints after every third seal, and the lines that lie outside."""

    db: Database
    signer: Signer
    lines: list[str]

    def verdict(self, tx: Tx) -> Verdict:
        kept = record.read_lines(self.lines, where="kept")
        return record.verify(tx, kept=kept, trusted={self.signer.public})


@pytest.fixture
def kept(place: Place, data_dir: Path) -> Iterator[Kept]:
    db, signer, lines = open_database(place), record.key_in(data_dir), []
    for number in range(SEALS):
        db.run(lambda tx, number=number: write_and_seal(tx, number))
        if number % 3 == 2:
            made = db.run(lambda tx: take(tx, signer))
            lines.append(made.as_line())
    db.run(lambda tx: record.seal(tx, NOW))  # the row about the key, which no checkpoint covers
    yield Kept(db, signer, lines)
    db.close()


def some_row(tx: Tx, dice: random.Random, lines: list[str]) -> int:
    """A row that the newest checkpoint covers."""
    newest = record.read_lines(lines, where="kept")[-1]
    return dice.randrange(1, newest.rows + 1)


def edit(tx: Tx, dice: random.Random, kept: Kept) -> None:
    column = dice.choice(["actor", "because", "facts", "subject", "receipt"])
    seq = some_row(tx, dice, kept.lines)
    tx.run(f"UPDATE foundation_record SET {column} = 'forged' WHERE seq = :seq", seq=seq)


def delete(tx: Tx, dice: random.Random, kept: Kept) -> None:
    tx.run("DELETE FROM foundation_record WHERE seq = :s", s=some_row(tx, dice, kept.lines))


def swap(tx: Tx, dice: random.Random, kept: Kept) -> None:
    one = some_row(tx, dice, kept.lines)
    other = one + 1 if one < ROWS else one - 1
    tx.many("UPDATE foundation_record SET seq = :to WHERE seq = :seq",
            [{"seq": s, "to": t} for s, t in ((one, -1), (other, one), (-1, other))])  # fmt: skip


def cut(tx: Tx, dice: random.Random, kept: Kept) -> None:
    """Cut the end off so that nothing inside of the database tells of it."""
    number = dice.randrange(1, SEALS + 1)
    tx.run("DELETE FROM foundation_record WHERE seal >= :n OR seal IS NULL", n=number)
    tx.run("DELETE FROM foundation_seal WHERE number >= :n", n=number)
    tx.run("DELETE FROM foundation_checkpoint WHERE seal >= :n", n=number)


def rewrite(tx: Tx, dice: random.Random, kept: Kept) -> None:
    """Change a row, then write the whole chain anew, and drop what was signed of the old one."""
    dice.choice([edit, delete])(tx, dice, kept)
    tx.run("DELETE FROM foundation_seal")
    tx.run("UPDATE foundation_record SET seal = NULL")
    with patch("mainstay.foundation.record.chain.SEAL_ROWS_MAX", ROWS):
        for number in range(SEALS):
            record.seal(tx, NOW + timedelta(seconds=number))
    tx.run("DELETE FROM foundation_checkpoint")


def rewrite_as_thief(tx: Tx, dice: random.Random, kept: Kept) -> None:
    """The same by somebody who has stolen the key, and signs the new chain with it."""
    rewrite(tx, dice, kept)
    take(tx, kept.signer)


def forge_checkpoint(tx: Tx, dice: random.Random, kept: Kept) -> None:
    change = dice.choice(["rows_n = rows_n + 1", "head = 'f' || head", "at = at + 1", "seal = 1"])
    tx.run(f"UPDATE foundation_checkpoint SET {change} WHERE number = 2")


WAYS: list[Callable[[Tx, random.Random, Kept], None]] = [
    edit, delete, swap, cut, rewrite, rewrite_as_thief, forge_checkpoint,
]  # fmt: skip


def test_an_untouched_record_holds_against_its_checkpoints(kept: Kept) -> None:
    found = kept.db.read(kept.verdict)
    assert found.faults == ()
    assert (found.checkpoints, found.covered) == (3, SEALS * ROWS + 1)
    assert found.keys == (kept.signer.public,)


def test_every_tampering_up_to_the_last_checkpoint_is_found(kept: Kept) -> None:
    dice, done, missed = random.Random(31), Counter(), []
    for n in range(TAMPERINGS):
        tamper = WAYS[n % len(WAYS)]

        def undo(tx: Tx, tamper: Callable[..., None] = tamper, n: int = n) -> None:
            tamper(tx, dice, kept)
            if not kept.verdict(tx).faults:
                missed.append((n, tamper.__name__))
            raise InterruptedError

        with pytest.raises(InterruptedError):
            kept.db.run(undo)
        done[tamper.__name__] += 1
    assert missed == []
    assert kept.db.read(kept.verdict).faults == ()
    print(f"{sum(done.values())} tamperings, {len(missed)} not found: {dict(done)}")


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (cut, "the end was cut off: checkpoint"),
        (rewrite, "it was written anew from its first row"),
        (rewrite_as_thief, "it was written anew from its first row"),
        (forge_checkpoint, "checkpoint 2 in the database was changed"),
    ],
)
def test_a_fault_names_what_and_where(
    kept: Kept, tamper: Callable[[Tx, random.Random, Kept], None], words: str
) -> None:
    kept.db.run(lambda tx: tamper(tx, random.Random(2), kept))
    assert words in " ".join(kept.db.read(kept.verdict).faults)


def test_what_no_checkpoint_outside_covers_can_be_cut_off_unseen(kept: Kept) -> None:
    """The promise ends at the last exported checkpoint; this is why it must go out often."""
    del kept.lines[1:]
    kept.db.run(lambda tx: (
        tx.run("DELETE FROM foundation_record WHERE seal > 3"),
        tx.run("DELETE FROM foundation_seal WHERE number > 3"),
        tx.run("DELETE FROM foundation_checkpoint WHERE seal > 3"),
    ))  # fmt: skip
    assert kept.db.read(kept.verdict).faults == ()


def test_a_missing_row_is_named(kept: Kept) -> None:
    kept.db.run(lambda tx: tx.run("DELETE FROM foundation_record WHERE seq = 15"))
    assert "row 15 is gone" in (kept.db.read(kept.verdict).broken or "")


def test_a_file_of_another_install_proves_nothing(kept: Kept, tmp_path: Path) -> None:
    other = record.key_in(tmp_path)
    found = kept.db.read(lambda tx: record.verify(
        tx, kept=record.read_lines(kept.lines, where="kept"), trusted={other.public}))  # fmt: skip
    assert "no checkpoint in the file is signed by a key that was given" in found.faults


def test_a_line_that_is_missing_outside_is_told(kept: Kept) -> None:
    del kept.lines[1]
    found = kept.db.read(kept.verdict)
    assert found.faults == ()
    assert found.notes == ("the file lacks checkpoint 2",)


def test_a_checkpoint_is_due_by_rows_or_by_time(place: Place, data_dir: Path) -> None:
    db, signer = open_database(place), record.key_in(data_dir)

    def due(rows_max: int, now: datetime = NOW) -> bool:
        return db.read(
            lambda tx: record.is_checkpoint_due(tx, now=now, every=EVERY, rows_max=rows_max)
        )

    assert not due(1)
    assert db.run(lambda tx: take(tx, signer)) is None
    db.run(lambda tx: write_and_seal(tx, 0))
    assert (due(ROWS + 1), due(ROWS)) == (False, True)
    assert (due(99, NOW + EVERY / 2), due(99, NOW + EVERY)) == (False, True)
    assert db.run(lambda tx: take(tx, signer)).rows == ROWS
    assert not due(1)
    db.close()


def test_a_new_key_is_told_of_in_the_record(kept: Kept, tmp_path: Path) -> None:
    other = record.key_in(tmp_path)
    kept.db.run(lambda tx: write_and_seal(tx, SEALS))
    kept.db.run(lambda tx: take(tx, other))
    told = kept.db.read(lambda tx: record.by_subject(tx, "n1"))
    assert [record.facts_of(row)["key"] for row in told] == [kept.signer.public, other.public]
    assert record.facts_of(told[1])["before"] == kept.signer.public
    found = kept.db.read(kept.verdict)
    assert "signed by another key than given" in (found.broken or "")


# -- the key ---------------------------------------------------------------------------------------


def test_two_fresh_installs_have_different_keys_that_only_their_owner_reads(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        keys.add(record.key_in(folder).public)
        keys.add(record.key_in(folder).public)
        assert stat.S_IMODE((folder / record.KEY_FILE).stat().st_mode) == 0o600
        assert [file.name for file in folder.iterdir()] == [record.KEY_FILE]
    assert len(keys) == 2


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    record.key_in(tmp_path)
    (tmp_path / record.KEY_FILE).chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        record.key_in(tmp_path)


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="holds no Ed25519 key"):
        record.signer_of(text, where="the file")


# -- outside ---------------------------------------------------------------------------------------


def test_a_file_gets_every_checkpoint_once_and_in_order(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "outside.jsonl"
    (sink,) = record.sinks_of([f"file:{path}"], node="n1", egress=Egress())
    assert kept.db.read(lambda tx: record.waiting_for(tx, [sink.name])) == {sink.name: 3}
    assert [record.deliver(kept.db, sink) for _ in range(2)] == [3, 0]
    assert path.read_text().splitlines() == kept.lines
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept.db.read(lambda tx: record.waiting_for(tx, [sink.name])) == {sink.name: 0}


def test_syslog_gets_them_over_udp_and_tcp_as_the_standards_frame_them(kept: Kept) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets,
    ):
        packets.bind(("127.0.0.1", 0))
        names = [
            f"syslog+tcp://127.0.0.1:{stream.getsockname()[1]}",
            f"syslog+udp://127.0.0.1:{packets.getsockname()[1]}",
        ]
        egress = Egress(frozenset(record.places_of(names)))
        tcp, udp = record.sinks_of(names, node="n1", egress=egress)
        assert record.deliver(kept.db, udp) == 3
        packets.settimeout(10)
        got = [packets.recv(65_536) for _ in range(3)]
        assert record.deliver(kept.db, tcp) == 3
        line, _ = stream.accept()
        with line, line.makefile("rb") as file:
            framed = file.read()
    assert framed == b"".join(b"%d %b" % (len(one), one) for one in got)
    checkpoints = record.read_lines([one.decode() for one in got], where="packets")
    assert [one.as_line() for one in checkpoints] == kept.lines


def test_syslog_over_tls_verifies_who_answers(kept: Kept, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    got: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            plain, _ = listener.accept()
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as line:
                got.append(line.makefile("rb").read())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        names = [f"syslog+tls://localhost:{listener.getsockname()[1]}"]
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        allowed = frozenset(record.places_of(names))
        (stranger,) = record.sinks_of(names, node="n1", egress=Egress(allowed))
        with pytest.raises(Unreachable, match="cannot be sent"):
            record.deliver(kept.db, stranger)
        trusting = Egress(allowed, ca_file=str(tmp_path / "ca.pem"))
        (sink,) = record.sinks_of(names, node="n1", egress=trusting)
        assert record.deliver(kept.db, sink) == 3
        server.join(20)
    assert got[-1].count(b"mainstay_checkpoint") == 3


def test_each_node_has_a_whole_file_and_a_server_has_each_line_once(
    kept: Kept, tmp_path: Path
) -> None:
    names = [f"file:{tmp_path}/a.jsonl"]
    for node in ("n1", "n2"):
        (sink,) = record.sinks_of(names, node=node, egress=Egress())
        assert record.deliver(kept.db, sink) == 3
    assert (tmp_path / "a.jsonl").read_text().splitlines() == kept.lines * 2
    assert kept.db.read(lambda tx: record.waiting_for(tx, names)) == {names[0]: 0}


def test_a_syslog_server_that_nobody_named_is_not_called(kept: Kept) -> None:
    names = ["syslog+tcp://127.0.0.1:6514", "syslog+udp://127.0.0.1:6514"]
    for sink in record.sinks_of(names, node="n1", egress=Egress()):
        with pytest.raises(Unreachable, match="private address"):
            record.deliver(kept.db, sink)


def test_what_a_sink_did_not_take_is_handed_over_again(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "away" / "outside.jsonl"
    (sink,) = record.sinks_of([f"file:{path}"], node="n1", egress=Egress())
    with pytest.raises(Unreachable, match="cannot be written"):
        record.deliver(kept.db, sink)
    path.parent.mkdir()
    assert record.deliver(kept.db, sink) == 3


def test_a_line_is_found_behind_what_a_syslog_server_writes_before_it(kept: Kept) -> None:
    checkpoints = record.read_lines(kept.lines, where="kept")
    lines = [syslog_message(one, node="pay prod").decode() for one in checkpoints]
    assert lines[0].startswith("<109>1 2026-11-24T08:00:00.000Z payprod mainstay - checkpoint - {")
    assert record.read_lines(["Nov 24 host kernel: no", *lines], where="log") == checkpoints
    with pytest.raises(Invalid, match="log:1"):
        record.read_lines([lines[0].replace('"seal"', '"seel"')], where="log")
