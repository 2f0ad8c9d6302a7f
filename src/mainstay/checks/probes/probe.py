"""What a probe is: it measures once and says what it found, or why there was no answer."""

from __future__ import annotations

from typing import Protocol

from mainstay.checks.result import Ask, Measured


class Probe(Protocol):
    """Measures. Raises only MainstayError, and ends within `ask.timeout_s` by itself."""

    async def measure(self, ask: Ask) -> Measured:
        """The values that conditions ask of; no secret in any of them."""
        ...
