"""Checkpoints: signed words of where the chain stood, small enough to be kept anywhere.

A checkpoint is one line of JSON. What is signed is its text in `signed_text`, so that a verifier in
any language needs SHA-256 and Ed25519, and nothing of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.record.facts import Fact, write
from mainstay.foundation.record.signer import Signer, is_signed

_BEGIN = '{"mainstay_checkpoint":'
_LINE_CHARS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`rows` rows under the seals 1 to `seal`, whose digest is `head`; `at_us` by our clock."""

    number: int
    seal: int
    rows: int
    head: str
    at_us: int
    key: str
    signature: str

    def signed_text(self) -> bytes:
        """What the signature is over."""
        words = (self.number, self.seal, self.rows, self.head, self.at_us, self.key)
        return ("\n".join(["mainstay checkpoint 1", *map(str, words)]) + "\n").encode("ascii")

    def is_genuine(self) -> bool:
        """Whether its own key has signed it."""
        return is_signed(self.signed_text(), signature=self.signature, public=self.key)

    def as_line(self) -> str:
        """One line of JSON."""
        return msgspec.json.encode({
            "mainstay_checkpoint": 1, "number": self.number, "seal": self.seal, "rows": self.rows,
            "head": self.head, "at_us": self.at_us, "key": self.key, "signature": self.signature,
        }).decode()  # fmt: skip


class _Line(msgspec.Struct, forbid_unknown_fields=False):
    """How a line is read back."""

    mainstay_checkpoint: int
    number: int
    seal: int
    rows: int
    head: str
    at_us: int
    key: str
    signature: str


def read_lines(lines: Iterable[str], *, where: str) -> list[Checkpoint]:
    """The checkpoints of a file, by number; whatever a syslog server put before each is skipped."""
    found: dict[tuple[str, int, str], Checkpoint] = {}
    for place, line in enumerate(lines, 1):
        start = line.find(_BEGIN)
        if start < 0:
            continue
        try:
            one = msgspec.json.decode(line[start : start + _LINE_CHARS_MAX].strip(), type=_Line)
            made = Checkpoint(
                one.number, one.seal, one.rows, one.head, one.at_us, one.key, one.signature
            )
            made.signed_text()
        except (msgspec.DecodeError, UnicodeError) as error:
            raise Invalid(f"{where}:{place}: this checkpoint cannot be read: {error}.") from None
        found[made.key, made.number, made.signature] = made
    return sorted(found.values(), key=lambda one: (one.number, one.at_us))


# -- taking them -----------------------------------------------------------------------------------


def is_checkpoint_due(tx: Tx, *, now: datetime, every: timedelta, rows_max: int) -> bool:
    """Whether `rows_max` rows are sealed and not covered, or the oldest of them has waited `every`."""
    last = newest_checkpoint(tx)
    new = _uncovered(tx, last)
    if new["number"] is None:
        return False
    return bool(new["rows_n"] >= rows_max or now - from_us(new["oldest_at"]) >= every)


def take_checkpoint(
    tx: Tx, signer: Signer, *, now: datetime, node: str, estate_version: int
) -> Checkpoint | None:
    """Sign where the chain stands; None when nothing is new. Only the settle owner calls it."""
    last = newest_checkpoint(tx)
    new = _uncovered(tx, last)
    if new["number"] is None:
        return None
    head = tx.value("SELECT digest FROM foundation_seal WHERE number = :n", n=new["number"])
    made = _signed(signer, Checkpoint(
        number=last.number + 1 if last else 1, seal=int(new["number"]),
        rows=(last.rows if last else 0) + int(new["rows_n"]), head=head, at_us=to_us(now),
        key=signer.public, signature="",
    ))  # fmt: skip
    if last is None or last.key != signer.public:
        words = f"{node} signs checkpoints of the record with {signer.public} from now on"
        facts = {"key": signer.public, "before": last.key if last else None}
        fact = Fact("record.key", node, words, facts=facts)
        write(tx, [fact], now=now, estate_version=estate_version)
    tx.run(
        "INSERT INTO foundation_checkpoint (number, seal, rows_n, head, at, key, signature)"
        " VALUES (:number, :seal, :rows_n, :head, :at, :key, :signature)",
        number=made.number, seal=made.seal, rows_n=made.rows, head=made.head, at=made.at_us,
        key=made.key, signature=made.signature,
    )  # fmt: skip
    return made


def _uncovered(tx: Tx, last: Checkpoint | None) -> Row:
    """The seals that no checkpoint covers: since when, how many rows, up to which."""
    row = tx.one(
        "SELECT min(at) AS oldest_at, sum(rows_n) AS rows_n, max(number) AS number"
        " FROM foundation_seal WHERE number > :seal",
        seal=last.seal if last else 0,
    )
    assert row is not None  # an aggregate always has its row
    return row


def newest_checkpoint(tx: Tx) -> Checkpoint | None:
    """The last one taken."""
    row = tx.one("SELECT * FROM foundation_checkpoint ORDER BY number DESC LIMIT 1")
    return None if row is None else of_row(row)


def checkpoints_after(tx: Tx, number: int, *, limit: int = 500) -> list[Checkpoint]:
    """Those after `number`, oldest first."""
    rows = tx.all(
        "SELECT * FROM foundation_checkpoint WHERE number > :number ORDER BY number LIMIT :limit",
        number=number, limit=limit,
    )  # fmt: skip
    return [of_row(row) for row in rows]


def of_row(row: Row) -> Checkpoint:
    """A stored one."""
    return Checkpoint(
        row["number"], row["seal"], row["rows_n"], row["head"], row["at"], row["key"],
        row["signature"],
    )  # fmt: skip


def _signed(signer: Signer, blank: Checkpoint) -> Checkpoint:
    return Checkpoint(
        blank.number, blank.seal, blank.rows, blank.head, blank.at_us, blank.key,
        signer.sign(blank.signed_text()),
    )  # fmt: skip
