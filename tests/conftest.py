"""What every test may ask for, and the order of the whole: house first, then pure, then real."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest_plugins = ["skips", "peers", "databases"]

ORDER = ("house", "unit", "properties", "contracts", "stories", "proofs", "browser")
HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    """A command run in this process makes its umask strict; the next test has today's again."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder of its own, as `serve` would make it: empty, and nobody else's to read."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick and telling tests run first."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    room = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
    return ORDER.index(room) if room in ORDER else len(ORDER)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder that a real server hands out, and its port."""
    folder = tmp_path / "in"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield folder, server.server_address[1]
    server.shutdown()
    server.server_close()
