"""The two engines that tests run on: `pytestmark = pytest.mark.both` runs a file on each.

Whatever opens a Mainstay asks `fresh()` for its database: "" is SQLite, in the data folder; else
the URL of a new database on one throw-away PostgreSQL, copied from a template that has the schema.
"""

from __future__ import annotations

import atexit
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

import hypothesis
import pytest

from clusters import Cluster
from mainstay.foundation.db import Place, Tx, migrate, open_database
from mainstay.foundation.db.session import PostgresTx, Session, adapters

ENGINES = ("sqlite", "postgresql")
SETTINGS = "_hypothesis_internal_use_settings"
"""Where Hypothesis keeps what a test was decorated with; it has no public name."""
SCHEMA = "schema"
"""The template: migrated, and empty."""


@dataclass
class Chosen:
    """The engine of the test that runs now, and the databases that were made for it."""

    engine: str = "sqlite"
    made: set[str] = field(default_factory=set)


CHOSEN = Chosen()
NUMBERS = count(1)


@cache
def server() -> Cluster:
    """The PostgreSQL of this run, made when first asked for."""
    cluster = Cluster.made()
    atexit.register(cluster.end)
    cluster.create(SCHEMA)
    open_database(Place(Path(), cluster.url(SCHEMA))).close()
    return cluster


def fresh(template: str = SCHEMA) -> str:
    """A database of its own for the chosen engine, migrated and empty."""
    if CHOSEN.engine == "sqlite":
        return ""
    name = f"test_{next(NUMBERS)}"
    CHOSEN.made.add(name)
    return server().create(name, template=template)


def new_database() -> str:
    """The URL of a database on PostgreSQL in which there is nothing, whatever engine is chosen."""
    name = f"test_{next(NUMBERS)}"
    CHOSEN.made.add(name)
    return server().create(name)


def template(name: str, fill: Callable[[str], None]) -> str:
    """A template for `fresh`, filled once by whoever needs it first."""
    fill(server().create(name, template=SCHEMA))
    return name


def drop(url: str) -> None:
    """Away with a database of `fresh`; nothing to do for SQLite's."""
    name = url.rpartition("?")[0].rpartition("/")[2]
    if name in CHOSEN.made:
        CHOSEN.made.remove(name)
        server().drop(name)


@pytest.fixture(scope="module", autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine that this test runs on."""
    CHOSEN.engine = getattr(request, "param", "sqlite")
    if CHOSEN.engine == "postgresql":
        server()  # skips the test where there is none
    yield CHOSEN.engine
    for name in list(CHOSEN.made):
        CHOSEN.made.remove(name)
        server().drop(name)
    CHOSEN.engine = "sqlite"


@pytest.fixture
def place(data_dir: Path, engine: str) -> Place:
    """Where to open a fresh database."""
    return Place(data_dir / "mainstay.db", fresh())


@pytest.fixture
def tx(engine: str) -> Iterator[Tx]:
    """A transaction on a fresh database, never committed."""
    if engine == "sqlite":
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection)
            yield Tx(connection)
        return
    with closing(Session(Place(Path(), fresh()), adapters(), answer_s=30)) as session:
        session.tell("BEGIN")
        yield PostgresTx(session)


def fewer(examples: int) -> int:
    """How many of Hypothesis's examples run on PostgreSQL: what is the same on both is shown once."""
    return max(4, examples // 5)


@pytest.fixture(autouse=True)
def _fewer_examples(
    request: pytest.FixtureRequest, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = getattr(request.function, SETTINGS, None)
    if engine == "postgresql" and given is not None:
        few = hypothesis.settings(given, max_examples=fewer(given.max_examples))
        monkeypatch.setattr(request.function, SETTINGS, few)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked `both` runs on both."""
    if metafunc.definition.get_closest_marker("both") is not None:
        metafunc.parametrize("engine", ENGINES, indirect=True, scope="module")
