"""Are the floor's twenty named, each first and of its class, and an ordinary day left in peace?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainstay import simulation
from mainstay.diagnosis import Ask, CauseClass, Diagnosis, Hypothesis, Material, diagnose, read
from mainstay.diagnosis.facts import Fact, FactKind
from mainstay.diagnosis.facts.heard import SAYINGS, of_sayings
from mainstay.diagnosis.facts.judge import of_facts
from mainstay.diagnosis.facts.look import Look
from mainstay.diagnosis.facts.work import planned_work
from mainstay.diagnosis.material import Phase
from mainstay.diagnosis.traces.span import Line

SINCE = datetime(2026, 3, 1, 10, tzinfo=UTC)
KINDS = {
    "firewall-or-dns": {"firewall-change", "dns-change"},
    "calendar-mistake": {"holiday-mistake", "daylight-saving-mistake"},
}
Values = dict[str, str | float | bool]


def played(folder: Path, *faults: str, seed: int) -> tuple[simulation.Scene, Diagnosis]:
    scene = simulation.play(faults, seed=seed)
    simulation.write(scene, folder)
    return scene, diagnose(read(folder, Ask()))


def names(one: Hypothesis, truth: simulation.Truth) -> bool:
    kinds = KINDS.get(truth.fault, {truth.fault})
    where = {one.where, one.detail}.intersection(truth.where)
    return one.kind in kinds and one.cause_class == truth.cause_class and bool(where)


@pytest.mark.parametrize("fault", simulation.FAULTS)
def test_a_fault_is_named_first_with_its_place_class_and_evidence(
    fault: str, tmp_path: Path
) -> None:
    scene, found = played(tmp_path, fault, seed=1)
    first = found.hypotheses[0]
    assert names(first, scene.truths[0]), first
    assert first.speaks_for
    assert first.confirm
    assert first.since is not None
    assert abs(first.since - scene.since) < timedelta(minutes=30), first
    assert found.notes == ()


@pytest.mark.parametrize("seed", [1, 2, 3, 7, 10])
def test_an_ordinary_day_has_no_cause(seed: int, tmp_path: Path) -> None:
    _, found = played(tmp_path, seed=seed)
    assert not found.found, found.hypotheses


@pytest.mark.parametrize(
    "faults",
    [("blocked-session", "pool-exhausted"), ("file-late", "vendor-down"),
     ("expired-certificate", "clock-drift"), ("bad-release", "full-file-system")],
)  # fmt: skip
def test_of_two_at_a_time_both_are_among_the_first_three(
    faults: tuple[str, ...], tmp_path: Path
) -> None:
    scene, found = played(tmp_path, *faults, seed=4)
    for truth in scene.truths:
        assert any(names(one, truth) for one in found.hypotheses[:3]), found.hypotheses[:3]


# -- the rules, one by one: what speaks for it, and what is only odd -----------------------------


def fact(kind: FactKind, name: str, at_min: float, where: str = "host-1", **values: object) -> Fact:
    kept: Values = {k: v for k, v in values.items() if isinstance(v, str | float | int | bool)}
    return Fact(where, kind, name, kept, SINCE + timedelta(minutes=at_min))


def judged(
    *facts: Fact, logs: dict[Phase, tuple[Line, ...]] | None = None
) -> dict[str, Hypothesis]:
    material = Material(since=SINCE, facts=facts, logs=logs or {})
    return {one.kind: one for one in of_facts(material)}


def likely(*facts: Fact) -> list[str]:
    return sorted(kind for kind, one in judged(*facts).items() if one.verdict == "likely")


def test_a_file_system_that_was_full_before_is_no_cause_and_a_read_only_one_always_is() -> None:
    full = [
        fact(FactKind.FILESYSTEM, "/var", at, used_share=share)
        for at, share in ((-5, 0.9), (5, 1.0))
    ]
    assert likely(*full) == ["full-file-system"]
    old = [fact(FactKind.FILESYSTEM, "/var", at, used_share=1.0) for at in (-5, 5)]
    assert judged(*old)["full-file-system"].verdict == "ruled out"
    assert judged(fact(FactKind.FILESYSTEM, "/snap", 5, used_share=1.0, read_only=True)) == {}


def test_a_file_is_late_only_after_some_minutes_and_empty_only_if_its_like_are_not() -> None:
    due = (SINCE - timedelta(minutes=1)).isoformat()
    assert likely(fact(FactKind.FILE, "a_20260301.csv", 1, due_at=due)) == []
    assert likely(fact(FactKind.FILE, "a_20260301.csv", 9, due_at=due)) == ["file-late"]
    came = {"arrived_at": SINCE.isoformat(), "rows": 0}
    new = fact(FactKind.FILE, "a_20260301.done", 1, **came)
    assert likely(new) == ["file-empty"]
    assert likely(fact(FactKind.FILE, "a_20260228.done", -60, **came), new) == []


def test_a_file_is_sent_twice_when_its_content_comes_again() -> None:
    def came(name: str, at: float, checksum: str) -> Fact:
        arrived = (SINCE + timedelta(minutes=at)).isoformat()
        return fact(FactKind.FILE, name, max(at, 0), rows=9, checksum=checksum, arrived_at=arrived)

    assert likely(came("a.csv", -40, "c1"), came("a_2.csv", 1, "c1")) == ["file-sent-twice"]
    assert likely(came("a.csv", -40, "c1"), came("a_2.csv", 1, "c2")) == []
    assert likely(came("a.csv", -1, "c1"), came("a_2.csv", 1, "c1")) == []


def test_the_session_that_all_wait_for_is_the_cause_not_one_that_waits_too() -> None:
    def session(name: str, waits_for: str = "") -> Fact:
        more = {"waits_for": waits_for} if waits_for else {}
        return fact(FactKind.SESSION, name, 1, where="pay-db", seconds=90, **more)

    found = judged(session("1"), session("2", "1"), session("3", "2"), session("4", "3"))
    assert found["blocked-session"].detail == "1"
    assert likely(fact(FactKind.SESSION, "1", 1, state="idle in transaction", seconds=9000)) == []


def test_a_full_pool_is_exhausted_when_somebody_waits_and_comes_after_its_own_cause() -> None:
    full = fact(FactKind.POOL, "p", 1, in_use=20, size=20, waiting=0)
    assert likely(full) == []
    waits = fact(FactKind.POOL, "p", 1, in_use=20, size=20, waiting=9)
    assert likely(waits) == ["pool-exhausted"]
    blocked = [fact(FactKind.SESSION, "2", 1, where="pay-db", waits_for="1", seconds=90)]
    both = judged(waits, *blocked)
    assert both["pool-exhausted"].score < both["blocked-session"].score
    assert "may come of something else" in both["pool-exhausted"].speaks_against[0].sentence


def test_a_queue_that_grows_is_stuck_only_if_its_head_stays() -> None:
    def queue(head: str, at: int, consumers: int) -> Fact:
        return fact(FactKind.QUEUE, "q", at, depth=100 * (at + 1), head=head, consumers=consumers)

    assert likely(queue("a", 1, 3), queue("b", 9, 3)) == []
    poison = judged(queue("a", 1, 3), queue("a", 9, 3))["stuck-queue"]
    alone = judged(queue("a", 1, 0), queue("a", 9, 0))["stuck-queue"]
    assert (poison.cause_class, alone.cause_class) == (CauseClass.DATA, CauseClass.SYSTEM)


def test_settings_that_tell_nodes_apart_or_always_differed_are_no_cause() -> None:
    def nodes(at: int, *values: str) -> list[Fact]:
        return [
            fact(FactKind.SETTING, "s", at, where=f"pay@{n}", value=value)
            for n, value in enumerate(values)
        ]

    assert likely(*nodes(-9, "a", "a", "a"), *nodes(1, "a", "b", "a")) == ["config-differs"]
    assert likely(*nodes(-9, "1", "2", "3"), *nodes(1, "1", "2", "3")) == []
    assert (
        judged(*nodes(-9, "a", "b", "a"), *nodes(1, "a", "b", "a"))["config-differs"].verdict
        == "ruled out"
    )


def test_one_rerun_of_a_failed_job_is_right_and_two_are_one_too_many() -> None:
    def run(number: int, rerun_of: str = "j#1") -> Fact:
        return fact(FactKind.JOB, "j", number, state="ok", run=f"j#{number}", rerun_of=rerun_of)

    assert likely(run(2)) == []
    assert likely(run(2), run(3)) == ["job-rerun-twice"]


def test_a_vendor_that_says_it_is_ill_or_at_work_is_a_third_party() -> None:
    def vendor(state: str, at: int) -> Fact:
        return fact(FactKind.VENDOR, "Nexi", at, where="card-gw", state=state, message="…")

    for state in ("down", "degraded", "maintenance"):
        found = judged(vendor("ok", -5), vendor(state, 5))["vendor-down"]
        assert (found.cause_class, found.verdict) == (CauseClass.THIRD_PARTY, "likely")
    assert (
        judged(vendor("degraded", -5), vendor("degraded", 5))["vendor-down"].verdict == "ruled out"
    )


def test_planned_work_explains_only_what_hurts_where_it_is_and_within_its_window() -> None:
    until = (SINCE + timedelta(hours=1)).isoformat()
    work = fact(
        FactKind.CHANGE, "upgrade", -20, where="ledger", what="upgrade", planned=True, until=until
    )
    look = Look(Material(since=SINCE), (work,), SINCE)
    assert [one.cause_class for one in planned_work(look, {"ledger"})] == [CauseClass.PLANNED]
    assert list(planned_work(look, {"fraud"})) == []
    over = Look(Material(since=SINCE + timedelta(hours=2)), (work,), SINCE + timedelta(hours=2))
    assert list(planned_work(over, {"ledger"})) == []


def test_a_release_is_bad_if_code_breaks_after_it_and_not_before_or_elsewhere() -> None:
    deploy = fact(FactKind.CHANGE, "deployment", -5, where="pay", what="deployment", version="2.0")

    def thrown(where: str, *minutes: int) -> tuple[Line, ...]:
        start = SINCE.timestamp()
        return tuple(
            Line(where, "NullPointerException", start + 60 * at, "ERROR") for at in minutes
        )

    bad = {Phase.DURING: thrown("pay", *range(1, 9))}
    assert judged(deploy, logs=bad)["bad-release"].cause_class is CauseClass.SOFTWARE
    assert "bad-release" not in judged(deploy, logs={Phase.DURING: thrown("fraud", *range(1, 9))})
    before = {**bad, Phase.USUAL: thrown("pay", *range(-40, -20))}
    assert "bad-release" not in judged(deploy, logs=before)


SAID = (
    ("file-late", "waiting for /in/a_20260301.xml, due 06:30, not there yet"),
    ("file-empty", "input file a.csv is empty"),
    ("missing-reference-data", "no entry in fx_rate for CHF/SEK"),
    ("full-file-system", "write failed: No space left on device"),
    ("clock-drift", "System clock wrong by 41.2 seconds"),
    ("clock-drift", "token rejected: issued 40 s in the future"),
    ("heap-exhausted", "java.lang.OutOfMemoryError: Java heap space"),
    ("blocked-session", "DETAIL:  Process holding the lock: 71. Wait queue: 72."),
    ("blocked-session", "process 72 still waiting for ShareLock on transaction 9"),
    ("pool-exhausted", "HikariPool-1 - Connection is not available, request timed out after 30000ms"),
    ("stuck-queue", "message m-1 of payments failed, redelivered (attempt 9)"),
    ("stuck-queue", "consumer group ledger of payments has no active members"),
    ("expired-certificate", "handshake with ledger:8443: certificate has expired"),
    ("expired-password", 'FATAL: password authentication failed for user "svc_pay"'),
    ("dns-change", "UnknownHostException: ledger.example: Name or service not known"),
    ("firewall-change", "connect to ledger:8443 failed: connect timed out"),
    ("vendor-down", "card-gw answered 503 Service Unavailable"),
    ("holiday-mistake", "2026-03-01 is a holiday in calendar CH-BANK, run skipped"),
    ("daylight-saving-mistake", "job eod started one hour early"),
)  # fmt: skip


def heard(text: str, *, good: int, bad: int = 20, severity: str = "ERROR") -> list[str]:
    start = SINCE.timestamp()
    lines = {
        Phase.USUAL: tuple(Line("pay", text, start - 60 * n - 60, severity) for n in range(good)),
        Phase.DURING: tuple(Line("pay", text, start + 60 * n, severity) for n in range(bad)),
    }
    calls = frozenset({("pay", "ledger"), ("pay", "card-gw")})
    vendor = Fact("card-gw", FactKind.VENDOR, "Nexi", {"state": "ok"}, SINCE)
    material = Material(since=SINCE, logs=lines, calls=calls)
    return [one.kind for one in of_sayings(Look(material, (vendor,), SINCE))]


@pytest.mark.parametrize(("kind", "text"), SAID)
def test_words_that_are_new_name_their_mechanism_and_usual_ones_name_none(
    kind: str, text: str
) -> None:
    assert heard(text, good=0) == [kind]
    assert heard(text, good=20) == []
    assert heard(text, good=0, severity="INFO") == []


def test_a_time_that_looks_like_a_status_is_none() -> None:
    assert heard("card-gw answered late: 503 ms", good=0) == []


def test_every_saying_is_tried() -> None:
    assert {one.kind for one in SAYINGS} == {kind for kind, _ in SAID}
    assert len(SAYINGS) == len(SAID)
