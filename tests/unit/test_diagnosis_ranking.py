"""Does the ranking of standings and changes hold, and does everybody get told what it means for them?"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.cli.diagnose.asked import About, about
from mainstay.diagnosis import Material, Symptom, diagnose
from mainstay.diagnosis.cause import from_facts
from mainstay.diagnosis.collectors import Question
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.live import Workers, business_sentence
from mainstay.estate import View, from_values
from mainstay.foundation.errors import Invalid

SINCE = datetime(2026, 11, 24, 9, 58, tzinfo=UTC)
CALLS = frozenset({("checkout", "pay-api"), ("pay-api", "pay-db"), ("pay-api", "fraud")})


def stands(where: str, state: str, *, minutes: float = 0, sentence: str = "it fails") -> Fact:
    at = SINCE + timedelta(minutes=minutes)
    values = {"state": state, "sentence": sentence, "by": "check"}
    return Fact(where, FactKind.CONDITION, f"{where}-check", values, at, f"check {where}-check")


def changed(where: str, *, minutes: float, **values: Any) -> Fact:
    at = SINCE + timedelta(minutes=minutes)
    told = {"what": f"{where} 4.2", "planned": False, **values}
    return Fact(where, FactKind.CHANGE, "chg_1", told, at)


def ranking(*facts: Fact, symptom: str = "pay-api") -> list[tuple[str, str, str]]:
    found = diagnose(Material(symptom=Symptom(symptom), since=SINCE, calls=CALLS, facts=facts))
    return [(one.where, one.kind, one.verdict.value) for one in found.hypotheses]


def test_the_deepest_that_fails_is_the_cause() -> None:
    found = ranking(
        stands("checkout", "fail"), stands("pay-api", "fail"), stands("pay-db", "fail"),
        symptom="checkout",
    )  # fmt: skip
    assert found == [("pay-db", "dependency-fails", "likely")]


def test_what_fails_long_after_the_symptom_suffers_too() -> None:
    found = ranking(stands("pay-api", "fail"), stands("pay-db", "fail", minutes=9))
    assert found == [("pay-db", "dependency-fails", "possible")]


def test_what_the_symptom_does_not_need_is_no_cause_of_it() -> None:
    assert ranking(stands("pay-api", "fail"), symptom="fraud") == []


@pytest.mark.parametrize(
    ("minutes", "verdict"),
    [(-2, "likely"), (-60, "possible"), (-300, "possible"), (9, "ruled out")],
)
def test_a_change_of_what_fails_did_it_if_it_came_shortly_before(
    minutes: float, verdict: str
) -> None:
    found = ranking(stands("pay-api", "fail"), changed("pay-api", minutes=minutes))
    assert ("pay-api", "change", verdict) in found
    assert (found[0] == ("pay-api", "change", verdict)) == (minutes > -300 and minutes < 0)


def test_a_change_of_what_stands_well_did_nothing_likely() -> None:
    found = ranking(stands("pay-api", "fail"), stands("fraud", "ok"), changed("fraud", minutes=-3))
    assert ("fraud", "change", "possible") in found
    assert found[0] == ("pay-api", "fails-alone", "possible")


def test_planned_work_explains_what_it_covers() -> None:
    facts = changed("pay-db", minutes=-3, planned=True, until="11:00")
    assert ranking(stands("pay-db", "fail"), facts)[0] == ("pay-db", "planned-work", "likely")


def test_too_little_seen_is_not_the_same_as_nothing_found() -> None:
    nothing = diagnose(Material(symptom=Symptom("pay-api"), since=SINCE, calls=CALLS))
    assert nothing.sentence.startswith("Not enough evidence")
    assert not nothing.enough
    usual = diagnose(
        Material(symptom=Symptom("pay-api"), since=SINCE, facts=(stands("pay-api", "ok"),))
    )
    assert usual.sentence.startswith("No cause found")
    assert usual.enough


def test_a_diagnosis_comes_back_from_its_facts_as_it_was() -> None:
    facts = (stands("pay-db", "fail"), changed("pay-api", minutes=-2))
    found = diagnose(Material(symptom=Symptom("pay-api"), since=SINCE, calls=CALLS, facts=facts))
    back = from_facts(found.as_facts())
    assert back.as_facts() == found.as_facts()
    assert [one.id for one in back.hypotheses] == [one.id for one in found.hypotheses]
    assert len({one.id for one in back.hypotheses}) == 2


# -- what it means for customers -------------------------------------------------------------------

ESTATE = {
    "org": {"name": "Alpenpay", "timezone": "Europe/Zurich"},
    "services": {
        "checkout": {"tier": 1, "depends": ["pay-api"], "business": "Card checkout for 2 400 merchants"},
        "pay-api": {"name": "Payment API", "tier": 1, "depends": ["fraud"]},
        "fraud": {"tier": 2, "degrade": "rules only"},
        "reports": {"tier": 3},
    },
    "escalations": {"fallback": [{"after": "0m", "notify": ["person:ana"]}]},
    "routes": [{"to": "service:reports"}],
    "people": {"ana": {"name": "Ana"}},
}  # fmt: skip


def means(
    *services: str, title: str = "Down", severity: str = "critical", over: bool = False
) -> str:
    view = View(1, from_values(ESTATE))
    until = SINCE + timedelta(minutes=14) if over else None
    return business_sentence(
        view, services, title=title, severity=severity, since=SINCE, until=until
    )


def test_customers_are_told_in_the_words_of_the_estate() -> None:
    assert means("checkout") == "Card checkout for 2 400 merchants fails since 10:58."
    assert means("checkout", title="HighLatency") == (
        "Card checkout for 2 400 merchants is slow since 10:58."
    )
    assert means("checkout", over=True) == (
        "Card checkout for 2 400 merchants failed from 10:58 to 11:12."
    )
    assert means("pay-api") == (
        "Card checkout for 2 400 merchants may suffer since 10:58: it needs Payment API."
    )
    assert means("fraud").endswith("It can go on in part: rules only.")
    assert means("reports", severity="warning") == (
        "reports (tier 3: it can wait) is at risk since 10:58; "
        "what that means for customers is not declared."
    )


# -- collectors ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slow:
    """Waits until it is let go."""

    go: threading.Event
    name: str = "slow"

    def collect(self, question: Question, *, within_s: float) -> Material:
        self.go.wait()
        return Material(notes=("late",))


def test_what_hangs_costs_places_and_never_the_rest() -> None:
    go = threading.Event()
    workers = Workers(threads_max=2)
    question = Question(("pay-api",), SINCE - timedelta(hours=3), SINCE, SINCE)
    told: list[list[dict[str, Any]]] = []
    try:
        slow = [replace(Slow(go), name=f"slow {n}") for n in range(3)]
        found = workers.gather(slow, question, budget_s=0.05, tell=told.append)
        assert len([note for note in found.notes if "did not answer" in note]) == 2
        assert len([note for note in found.notes if "did not begin" in note]) == 1
        assert {one["state"] for one in told[-1]} == {"left behind"}
    finally:
        go.set()


# -- what is meant ---------------------------------------------------------------------------------


def test_a_word_is_an_incident_a_service_or_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sent", "INC-7"):
        (tmp_path / name).mkdir()
    assert about("INC-2041", has_window=False) == About("incident", "INC-2041")
    assert about("pay-api", has_window=False) == About("service", "pay-api")
    assert about("sent", has_window=False) == About("folder", "sent")
    assert about("./INC-7", has_window=False) == About("folder", "./INC-7")
    with pytest.raises(Invalid, match=r"\./INC-7"):
        about("INC-7", has_window=False)
    with pytest.raises(Invalid, match=r"\./sent"):
        about("sent", has_window=True)
