"""What a program writes, in bounded time and memory. No shell: each word is an argument of its own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mainstay.foundation.errors import TimedOut

ERRORS_MAX = 10_000
"""Bytes of what it complains of."""


@dataclass(frozen=True, slots=True)
class Said:
    """`is_cut`: it would have written more, and was ended; `complaint`: why it failed, or ""."""

    out: bytes
    is_cut: bool
    complaint: str


def said_by(
    argv: Sequence[str], *, environment: Mapping[str, str], within_s: float, bytes_max: int
) -> Said:
    """Run it to its end. TimedOut where it has not ended by then; it is killed."""
    with subprocess.Popen(  # noqa: S603 - no shell, and the callers' words are arguments
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        late = threading.Timer(within_s, process.kill)
        late.start()
        try:
            out = process.stdout.read(bytes_max)
            is_cut = bool(process.stdout.read(1))
            if is_cut:
                process.kill()
            errors = process.stderr.read(ERRORS_MAX).decode("utf-8", "replace").strip()
            process.wait()
        finally:
            is_late = not late.is_alive()
            late.cancel()
            process.kill()
    if is_late:
        raise TimedOut(f"no answer within {within_s:g} s.")
    is_well = is_cut or process.returncode == 0
    return Said(out, is_cut, "" if is_well else errors or f"exit {process.returncode}")
