"""One step, page or signal that cannot be done stops nobody else; a full disk is nobody's fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mainstay import paging, pipeline
from mainstay.foundation.errors import Stuck
from walk import Walk, fire

pytestmark = pytest.mark.both


@pytest.fixture
def walk() -> Iterator[Walk]:
    made = Walk()
    yield made
    made.end()


def poisoned(plain: Any, first: list[str]) -> Any:
    """Raises for the first row that it is given, every time."""

    def work(tx: Any, *args: Any, **facts: Any) -> Any:
        one = next(arg for arg in args if hasattr(arg, "token"))
        if one.key == (first or first.append(one.key) or first)[0]:
            raise KeyError("poison")
        return plain(tx, *args, **facts)

    return work


@pytest.mark.parametrize("verb", ["fire", "begin"])
def test_a_step_or_page_that_raises_holds_up_no_other_and_is_told_of(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(paging, verb, poisoned(getattr(paging, verb), []))
    walk.sends([fire("alpha"), fire("beta"), fire("gamma")])
    walk.settle()
    told = {one.page.incident for one in walk.journal}
    assert len(told & {"INC-1", "INC-2", "INC-3"}) == 2
    assert [one.dedup_key for one in walk.alerts() if one.source == "mainstay"] == ["paging.poison"]
    monkeypatch.undo()
    walk.forward(minutes=1)
    assert {"INC-1", "INC-2", "INC-3"} <= {one.page.incident for one in walk.journal}


def test_a_signal_is_not_quarantined_because_the_disk_was_full(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk.sends([fire("alpha")])

    def full(*args: Any, **facts: Any) -> None:
        raise Stuck("The database cannot write: database or disk is full.")

    monkeypatch.setattr(pipeline, "settle", full)
    for _ in range(5):
        with pytest.raises(Stuck):
            walk.settle()
    monkeypatch.undo()
    [request] = walk.rows("SELECT state, tries FROM signals_request")
    assert (request["state"], request["tries"]) == ("waiting", 0)
    walk.settle()
    assert len(walk.journal) == 1


def test_a_signal_that_raises_is_set_aside_after_three_tries_and_the_others_pass(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = pipeline.settle
    bad = walk.sends([fire("alpha")])

    def settle(tx: Any, ground: Any, waiting: Any, **facts: Any) -> None:
        assert all(request.receipt != bad for request in waiting), "poison"
        plain(tx, ground, waiting, **facts)

    monkeypatch.setattr(pipeline, "settle", settle)
    walk.sends([fire("beta")])
    for _ in range(4):
        walk.settle()
    assert any(one.page.incident == "INC-1" for one in walk.journal)
    found = {row["receipt"]: row["state"] for row in walk.rows("SELECT * FROM signals_request")}
    assert found[bad] == "quarantined"
    assert walk.told("signal.quarantined")
