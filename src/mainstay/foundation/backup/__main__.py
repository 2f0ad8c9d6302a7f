"""A backup in a process of its own: it takes no turn from the threads that page people.

A job comes on standard input, its outcome goes to standard output. No secret is an argument.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from mainstay.foundation.backup.job import Job, Outcome
from mainstay.foundation.backup.made import make_and_prune
from mainstay.foundation.db import Place
from mainstay.foundation.errors import MainstayError

NICENESS = 10
"""Whatever pages people goes first."""


def main() -> None:
    """Do the job."""
    os.umask(0o077)
    os.nice(NICENESS)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        made = make_and_prune(
            Place(Path(job.path), job.url, job.password), Path(job.folder), keep=job.keep, keep_days=job.keep_days,
            now=job.now, passphrase=job.passphrase,
        )  # fmt: skip
        outcome = Outcome(made=made)
    except MainstayError as error:
        outcome = Outcome(trouble=error.sentence)
    except OSError as error:
        outcome = Outcome(trouble=f"{error.filename or job.folder}: {error.strerror or error}.")
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
