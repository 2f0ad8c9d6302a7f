"""What the proofs share, and which of them run only with the full counts (`make prove`)."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

collect_ignore_glob = [] if "MAINSTAY_PROOF_ROUNDS" in os.environ else ["test_full_*.py"]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print past the capture: the figures of a proof."""

    def print_it(words: str) -> None:
        with capsys.disabled():
            print(f"\n{words}")

    return print_it
