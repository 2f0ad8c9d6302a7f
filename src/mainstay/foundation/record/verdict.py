"""Is the record whole? The chain is recomputed, and held against every checkpoint that there is.

Found are edits, deletions, swaps and insertions anywhere under a seal; and, up to the last
checkpoint that is kept outside, a cut tail and a chain that was written anew. What waits for its
seal (about a second's rows) is named, not judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mainstay.foundation.clock import from_us, to_text
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.record.chain import Walk, walk
from mainstay.foundation.record.checkpoints import Checkpoint, of_row


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found. `faults` say what does not hold, and where; none: the record is whole."""

    rows: int
    seals: int
    unsealed: int
    unsealed_from: int | None
    """The first row that waits for its seal."""
    head: str
    faults: tuple[str, ...]
    checkpoints: int
    """How many the chain was held against, those kept outside included."""
    covered: int
    """Rows up to the newest of them that holds."""
    keys: tuple[str, ...]
    """The public keys that have signed them."""
    notes: tuple[str, ...] = ()
    """What is worth knowing, and is no fault of the record."""

    @property
    def broken(self) -> str | None:
        """The first fault."""
        return self.faults[0] if self.faults else None


def verify(tx: Tx, *, kept: Sequence[Checkpoint] = (), trusted: Collection[str] = ()) -> Verdict:
    """The whole record of a database. Reads every row once.

    `kept`: checkpoints from outside. `trusted`: public keys that may sign; none: any may, and the
    verdict names them.
    """
    return verify_rows(
        tx.each("SELECT * FROM foundation_seal ORDER BY number"),
        tx.each("SELECT * FROM foundation_record ORDER BY seq"),
        tx.all("SELECT * FROM foundation_checkpoint ORDER BY number"),
        kept=kept, trusted=trusted,
    )  # fmt: skip


def verify_rows(
    seals: Iterable[Row], rows: Iterable[Row], checkpoints: Iterable[Row], *,
    kept: Sequence[Checkpoint] = (), trusted: Collection[str] = (),
) -> Verdict:  # fmt: skip
    """The same for rows that come from elsewhere, such as a backup; each in its own order."""
    stored = [of_row(row) for row in checkpoints]
    notes: list[str] = []
    faults = _forged(stored, trusted, where="the database")
    usable, strange = _sorted_out(kept, trusted, notes)
    faults += strange
    held = [*(one for one in stored if one.is_genuine()), *usable]
    found = walk(seals, rows, wanted={one.seal for one in held})
    faults += [found.fault] if found.fault else []
    faults += _against(found, held)
    good = [one for one in held if _holds(found, one)]
    return Verdict(
        rows=found.rows, seals=found.seals, unsealed=found.unsealed,
        unsealed_from=found.unsealed_from, head=found.head, faults=tuple(faults),
        checkpoints=len({(one.number, one.signature) for one in held}),
        covered=max((one.rows for one in good), default=0),
        keys=tuple(dict.fromkeys(one.key for one in held)), notes=tuple(notes),
    )  # fmt: skip


def _forged(found: Sequence[Checkpoint], trusted: Collection[str], *, where: str) -> list[str]:
    """Checkpoints that nobody, or nobody who may, has signed; the first of each sort."""
    faults = []
    bad = next((one for one in found if not one.is_genuine()), None)
    if bad is not None:
        faults.append(f"checkpoint {bad.number} in {where} was changed: its signature is wrong")
    other = next((one for one in found if trusted and one.key not in trusted), None)
    if other is not None:
        faults.append(
            f"checkpoint {other.number} in {where} is signed by another key than given: {other.key}"
        )
    return faults


def _sorted_out(
    kept: Sequence[Checkpoint], trusted: Collection[str], notes: list[str]
) -> tuple[list[Checkpoint], list[str]]:
    """Of the kept checkpoints those to hold the chain against, and what is wrong with the rest."""
    if not kept:
        return [], []
    ours = [one for one in kept if not trusted or one.key in trusted]
    if len(ours) < len(kept):
        notes.append(f"{len(kept) - len(ours)} lines are signed by keys that were not given")
    if not ours:
        return [], ["no checkpoint in the file is signed by a key that was given"]
    numbers = sorted({one.number for one in ours})
    if missing := sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers)):
        notes.append(f"the file lacks checkpoint {', '.join(map(str, missing[:5]))}")
    return [one for one in ours if one.is_genuine()], _forged(ours, (), where="the file")


def _holds(found: Walk, one: Checkpoint) -> bool:
    mark = found.marks.get(one.seal)
    return mark is not None and (mark.rows, mark.head) == (one.rows, one.head)


def _against(found: Walk, held: Sequence[Checkpoint]) -> list[str]:
    """The first checkpoint that the chain does not reach as it was signed."""
    wrong = [one for one in held if not _holds(found, one)]
    if not wrong:
        return []
    first = min(wrong, key=lambda one: one.seal)
    before = [one for one in held if _holds(found, one) and one.seal < first.seal]
    good = max(before, key=lambda one: one.seal, default=None)
    since = f"after row {good.rows} (checkpoint {good.number})" if good else "from its first row"
    at = f"checkpoint {first.number} of {to_text(from_us(first.at_us))}"
    if found.fault is not None and first.seal not in found.marks:
        return [f"{at} covers seal {first.seal}; the chain holds only up to seal {found.seals}"]
    if first.seal in found.marks or found.rows >= first.rows:
        return [
            f"the chain is another than {at} signed: "
            f"it was written anew {since}, up to seal {first.seal}"
        ]
    return [
        f"the end was cut off: {at} covers {first.rows} rows under {first.seal} seals, "
        f"{found.rows} under {found.seals} are there"
    ]
