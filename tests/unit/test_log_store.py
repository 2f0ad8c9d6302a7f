"""Are logs that were acknowledged kept, found again, packed and forgotten, whatever dies when?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mainstay.foundation.errors import Conflict, Invalid, OverLimit
from mainstay.telemetry.logs import Layouts
from mainstay.telemetry.store import Keeping, Kept, Record, Wanted, recorded, shelf

DAY_US = 86_400_000_000
NOW_US = 1_772_323_200_000_000


def record(n: int, *, service: str = "shop", rank: int = 2, body: str | None = None) -> Record:
    at = NOW_US + n * 1_000_000
    return Record(
        at, at, rank, service, "host-1", "shop.pay", f"order {n} paid" if body is None else body
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Kept]:
    opened = Kept(tmp_path)
    yield opened
    opened.close()


def again(folder: Path) -> Kept:
    """As after a crash: nobody closed it, and its lock went with its process."""
    return Kept(folder)


def test_what_was_appended_is_found_before_and_after_it_is_packed(store: Kept) -> None:
    store.append([record(n, rank=n % 6) for n in range(600)], now_us=NOW_US)
    asked = Wanted(text="order 1", rank=4, since_us=record(100).at_us, until_us=record(200).at_us)
    hot = store.search(asked, limit=1_000)
    assert len(hot) == len([n for n in range(100, 200) if n % 6 >= 4])
    store.pack(now_us=NOW_US, everything=True)
    assert store.search(asked, limit=1_000) == hot
    assert store.count(Wanted(pattern="order [0-9]+ paid$")) == 600
    assert store.services() == {"shop": (600, record(0).at_us, record(599).at_us)}


@pytest.mark.parametrize("everything", [False, True])
def test_any_text_comes_back_as_it_was(store: Kept, everything: bool) -> None:
    bodies = [
        "a\n\tat b\nc",
        '"quoted", and, commas',
        "\\N null \\",
        "tab\there",
        "ä 漢 🎉",
        "'; DROP TABLE x",
        "",
    ]
    store.append([record(n, body=one) for n, one in enumerate(bodies)], now_us=NOW_US)
    store.pack(now_us=NOW_US, everything=everything)
    assert [one.body for one in store.search(Wanted())] == bodies
    assert store.count(Wanted(text="'; DROP")) == 1


def test_what_a_row_cannot_hold_is_replaced_and_makes_no_row_of_its_own(store: Kept) -> None:
    store.append(
        [record(1, body="a\x1fb\x00c\r"), record(2, service="ev\nil\x1f", body="x")], now_us=NOW_US
    )
    assert [one.body for one in store.search(Wanted())] == ["a\ufffdb\ufffdc\ufffd", "x"]
    assert store.search(Wanted(service="ev\ufffdil\ufffd"))[0].body == "x"


@pytest.mark.parametrize("service", ["../../etc", "a/b", "x" * 5_000, "'", "=", "", "ä"])
def test_no_name_of_a_service_leads_out_of_the_folder(
    store: Kept, tmp_path: Path, service: str
) -> None:
    store.append([record(1, service=service)], now_us=NOW_US)
    store.pack(now_us=NOW_US, everything=True)
    (part,) = (tmp_path / "cold").rglob("*.parquet")
    assert part.parent.parent == tmp_path / "cold"
    assert store.count(Wanted(service=service[:200])) == 1


def test_a_row_that_a_crash_cut_off_is_taken_back(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    first.append([record(1), record(2)], now_us=NOW_US)
    (hot,) = (tmp_path / "hot").glob("*.rows")
    first.close()
    with hot.open("ab") as file:
        file.write(b"1772323200\x1f17")
    second = again(tmp_path)
    assert second.count(Wanted()) == 2
    second.append([record(3)], now_us=NOW_US)
    second.pack(now_us=NOW_US, everything=True)
    assert [one.body for one in second.search(Wanted())] == [record(n).body for n in (1, 2, 3)]
    second.close()


def test_killed_while_packing_nothing_is_lost_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Kept(tmp_path)
    first.append([record(n, service=f"s{n % 3}") for n in range(90)], now_us=NOW_US)
    unlink = Path.unlink

    def die(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".rows":
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", die)
    with pytest.raises(KeyboardInterrupt):
        first.pack(now_us=NOW_US, everything=True)
    monkeypatch.undo()
    first.close()
    (tmp_path / "cold/=s0/half.tmp").write_bytes(b"half")
    second = again(tmp_path)
    assert second.count(Wanted()) == 90
    second.pack(now_us=NOW_US)
    assert second.count(Wanted()) == 90
    assert not list((tmp_path / "cold").rglob("*.tmp"))
    second.close()


def test_only_one_process_has_them_open(store: Kept, tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        Kept(tmp_path)


def test_logs_are_forgotten_by_service_age_and_size(tmp_path: Path) -> None:
    store = Kept(tmp_path, Keeping(days=7, days_of={"audit": 30}))
    store.append([record(1, service="shop"), record(1, service="audit")], now_us=NOW_US)
    store.pack(now_us=NOW_US + 8 * DAY_US, everything=True)
    assert set(store.services()) == {"audit"}
    store.pack(now_us=NOW_US + 31 * DAY_US)
    assert store.services() == {}
    store.close()
    small = Kept(tmp_path, Keeping(bytes_max=3_000))
    for n in range(5):
        small.append([record(n * 1_000, body=f"{n} of five")], now_us=NOW_US)
        small.pack(now_us=NOW_US, everything=True)
    assert small.size_bytes() <= 3_000
    assert small.search(Wanted())[-1].body == "4 of five"
    small.close()


def test_who_sends_faster_than_it_is_packed_is_told_to_wait(
    store: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "HOT_BYTES", 1)
    monkeypatch.setattr(shelf, "WAITING_MAX", 2)
    for n in range(2):
        store.append([record(n)], now_us=NOW_US)
    with pytest.raises(OverLimit) as refused:
        store.append([record(3)], now_us=NOW_US)
    assert refused.value.retry_after_s
    store.pack(now_us=NOW_US)
    assert store.append([record(3)], now_us=NOW_US) == 1


@pytest.mark.parametrize("by_another", [False, True])
def test_it_is_searched_and_packed_while_it_is_written(
    store: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_another: bool
) -> None:
    asked = Kept(tmp_path, only_ask=True) if by_another else store
    monkeypatch.setattr(shelf, "HOT_BYTES", 20_000)
    monkeypatch.setattr(shelf, "WAITING_MAX", 10_000)
    done = threading.Event()

    def pack() -> None:
        while not done.is_set():
            store.pack(now_us=NOW_US)

    packer = threading.Thread(target=pack)
    packer.start()
    try:
        for turn in range(40):
            store.append([record(turn * 100 + n) for n in range(100)], now_us=NOW_US)
            assert asked.count(Wanted()) == (turn + 1) * 100
    finally:
        done.set()
        packer.join()


def test_a_histogram_counts_by_time_and_level(store: Kept) -> None:
    store.append([record(n, rank=4 if n % 10 == 0 else 2) for n in range(120)], now_us=NOW_US)
    found = store.histogram(Wanted(), step_us=60_000_000)
    assert found == {
        NOW_US: {"info": 54, "error": 6},
        NOW_US + 60_000_000: {"info": 54, "error": 6},
    }


def test_a_pattern_that_is_none_is_refused(store: Kept) -> None:
    store.append([record(1)], now_us=NOW_US)
    with pytest.raises(Invalid):
        store.count(Wanted(pattern="("))


def test_lines_become_records_with_their_traces() -> None:
    lines = (
        b"2026-03-01T00:00:00.120Z host-7 ERROR shop.db: gone\n"
        b"java.io.IOException: no\n\tat a.b\n"
        b"2026-03-01T00:00:00.450Z host-7 INFO shop.pay: order 7 paid\n\xff broken\n"
    )
    make = recorded(Layouts(now=datetime(2026, 11, 24, tzinfo=UTC), zone=UTC), service="shop")
    found = make(lines * 2, received_us=NOW_US)
    assert [(one.at_us - NOW_US, one.rank, one.host, one.source) for one in found[:2]] == [
        (120_000, 4, "host-7", "shop.db"), (450_000, 2, "host-7", "shop.pay"),
    ]  # fmt: skip
    assert found[0].body.endswith("gone\njava.io.IOException: no\n\tat a.b")
    assert [one[:6] for one in found[:2]] == [one[:6] for one in found[2:]]
