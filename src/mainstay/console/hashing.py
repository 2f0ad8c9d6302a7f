"""Where passwords are hashed: beside the event loop, two at once, with a short queue.

One hash takes 64 MiB and a tenth of a second. A flood of log-ins waits here or is sent away; it
takes neither memory nor the threads in which everything else is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mainstay import signin
from mainstay.foundation.errors import OverLimit

T = TypeVar("T")
AT_ONCE = 2
"""128 MiB at the most."""
WAITING_MAX = 40
"""About two seconds of waiting."""


class Hashing:
    """Bounded hashing; one for a whole server."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hashing")
        self._under_way = 0

    async def is_password(self, hashed: str | None, password: str) -> bool:
        """As `signin.is_password`. OverLimit (503) when too many wait."""
        return await self._run(lambda: signin.is_password(hashed, password))

    async def hash(self, password: str) -> str:
        """As `signin.hash_password`. OverLimit (503) when too many wait."""
        return await self._run(lambda: signin.hash_password(password))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= AT_ONCE + WAITING_MAX:
            raise OverLimit(
                "Too many people sign in at this moment; try again shortly.",
                limit=WAITING_MAX, unit="waiting sign-ins", status=503, retry_after_s=3,
            )  # fmt: skip
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1
