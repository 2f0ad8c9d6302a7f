"""The one append-only record: decision log, timeline and audit at once.

`facts.py` writes and reads its rows. The settle owner seals new rows into a hash chain within a
second (`chain.py`); the chain shows edits, deletions and swaps. Every few minutes it signs where
the chain stands (`checkpoints.py`), and the signed line is kept outside (`sinks.py`): with one such
line, a cut tail and a chain that was written anew from the start show too.
"""

from mainstay.foundation.record.chain import SEAL_ROWS_MAX, is_sealed, seal, unsealed_n
from mainstay.foundation.record.checkpoints import (
    Checkpoint,
    checkpoints_after,
    is_checkpoint_due,
    newest_checkpoint,
    read_lines,
    take_checkpoint,
)
from mainstay.foundation.record.facts import (
    SYSTEM,
    Fact,
    between,
    by_incident,
    by_receipt,
    by_subject,
    facts_of,
    find,
    head,
    last_of_incident,
    last_seq,
    latest,
    latest_version,
    mark,
    marked,
    newest,
    newest_about,
    of_kinds,
    of_kinds_about,
    since,
    unmark,
    write,
)
from mainstay.foundation.record.signer import KEY_FILE, Signer, key_in, public_key_of, signer_of
from mainstay.foundation.record.sinks import (
    Sink,
    deliver,
    places_of,
    sinks_of,
    waiting_for,
)
from mainstay.foundation.record.verdict import Verdict, verify, verify_rows

__all__ = [
    "KEY_FILE",
    "SEAL_ROWS_MAX",
    "SYSTEM",
    "Checkpoint",
    "Fact",
    "Signer",
    "Sink",
    "Verdict",
    "between",
    "by_incident",
    "by_receipt",
    "by_subject",
    "checkpoints_after",
    "deliver",
    "facts_of",
    "find",
    "head",
    "is_checkpoint_due",
    "is_sealed",
    "key_in",
    "last_of_incident",
    "last_seq",
    "latest",
    "latest_version",
    "mark",
    "marked",
    "newest",
    "newest_about",
    "newest_checkpoint",
    "of_kinds",
    "of_kinds_about",
    "places_of",
    "public_key_of",
    "read_lines",
    "seal",
    "signer_of",
    "since",
    "sinks_of",
    "take_checkpoint",
    "unmark",
    "unsealed_n",
    "verify",
    "verify_rows",
    "waiting_for",
    "write",
]
