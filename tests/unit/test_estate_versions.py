"""Is what was applied kept exactly, and is what would change told in words?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest

from mainstay import estate
from mainstay.estate.reading.yaml_text import load, plain
from mainstay.foundation.db import Database, Place, open_database

pytestmark = pytest.mark.both

EXAMPLE = Path(__file__).parents[2] / "examples" / "alpenpay"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    database = open_database(place)
    yield database
    database.close()


@pytest.fixture(scope="module")
def alpenpay() -> estate.Estate:
    return estate.read(EXAMPLE)


def test_the_example_is_read_without_an_error_or_a_warning() -> None:
    assert estate.check(EXAMPLE).problems == ()


def test_the_starter_is_read_without_an_error_or_a_warning(tmp_path: Path) -> None:
    for name, text in estate.starter().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert estate.check(tmp_path).problems == ()


def test_the_example_uses_every_collection_and_every_key_of_its_parts(
    alpenpay: estate.Estate,
) -> None:
    assert [name for name in estate.Estate.model_fields if not getattr(alpenpay, name)] == []
    layers = [layer for one in alpenpay.schedules.values() for layer in one.layers]
    assert {layer.rotate for layer in layers} == {"hourly", "daily", "weekly", "monthly"}
    assert any(turn.from_ for layer in layers for turn in layer.order)
    assert any(turn.until for layer in layers for turn in layer.order)
    assert any(only.calendar for layer in layers for only in layer.only)
    steps = [step for one in alpenpay.escalations.values() for step in one.steps]
    assert any(step.round_robin for step in steps)
    assert any(step.repeat for step in steps)
    assert any(one.repeat for one in alpenpay.escalations.values())
    assert {source.format for source in alpenpay.sources.values()} == {
        "alertmanager", "alertmanager-webhook", "pagerduty", "json", "report", "heartbeat"
    }  # fmt: skip


def test_an_alert_of_prometheus_goes_where_its_label_says(alpenpay: estate.Estate) -> None:
    found = estate.Routes(alpenpay).service_of("prometheus", "critical", {"service": "pay-api"})
    assert found.service == "pay-api"


def test_an_estate_comes_back_from_the_store_exactly(alpenpay: estate.Estate, db: Database) -> None:
    saved = db.run(lambda tx: estate.save(tx, alpenpay, actor="person:ana", now=NOW))
    back = db.read(estate.current)
    assert back == saved
    assert back is not None
    assert back.estate == alpenpay
    assert (back.version, back.at, back.actor) == (1, NOW, "person:ana")


def test_an_equal_estate_makes_no_new_version(alpenpay: estate.Estate, db: Database) -> None:
    first = db.run(lambda tx: estate.save(tx, alpenpay, actor="person:ana", now=NOW))
    shuffled = alpenpay.model_copy(update={"services": dict(reversed(alpenpay.services.items()))})
    assert db.run(lambda tx: estate.save(tx, shuffled, actor="person:ben", now=NOW)) == first
    other = alpenpay.model_copy(update={"org": estate.Org(name="Other")})
    second = db.run(lambda tx: estate.save(tx, other, actor="person:ben", now=NOW))
    again = db.run(lambda tx: estate.save(tx, alpenpay, actor="person:ana", now=NOW))
    assert (first.version, second.version, again.version) == (1, 2, 3)
    assert [one.version for one in db.read(estate.history)] == [3, 2, 1]
    assert db.read(lambda tx: estate.get(tx, 2)) == second
    assert db.read(lambda tx: estate.get(tx, 9)) is None
    assert db.read(estate.current_number) == 3


def test_before_the_first_apply_nothing_is_in_force(db: Database) -> None:
    assert db.read(estate.current) is None
    assert db.read(estate.current_number) == 0


def test_a_plan_tells_every_change_in_words(alpenpay: estate.Estate) -> None:
    services = dict(alpenpay.services)
    del services["merchant-ui"]
    services["new"] = estate.Service(tier=1)
    services["fraud"] = services["fraud"].model_copy(update={"tier": 1, "depends": ["pay-db"]})
    schedule = alpenpay.schedules["payops-oncall"]
    layer = schedule.layers[0].model_copy(
        update={"handover": "tue 09:00", "order": schedule.layers[0].order[:2]}
    )
    schedules = alpenpay.schedules | {
        "payops-oncall": schedule.model_copy(update={"layers": [layer]})
    }
    new = alpenpay.model_copy(update={"services": services, "schedules": schedules})
    assert [str(one) for one in estate.differences(alpenpay, new)] == [
        "changed schedules payops-oncall: layers 1 handover mon 09:00 → tue 09:00",
        "changed schedules payops-oncall: layers 1 order 3 removed {person: dee, from: 2026-12-07}",
        "changed schedules payops-oncall: layers 1 order 4 removed {person: eli, until: 2027-02-28}",
        "changed schedules payops-oncall: layers 2 removed {rotate: daily, every: 1, handover: 02:00, order: chen, sta…",
        "changed services fraud: tier 2 → 1",
        "changed services fraud: depends +pay-db −bus",
        "added services new",
        "removed services merchant-ui",
    ]  # fmt: skip


def test_the_first_plan_adds_everything_and_an_equal_estate_changes_nothing(
    alpenpay: estate.Estate,
) -> None:
    first = estate.differences(None, alpenpay)
    assert {one.verb for one in first} == {"added"}
    assert {one.collection for one in first} == set(estate.Estate.model_fields)
    assert estate.differences(alpenpay, alpenpay) == ()


def test_the_schema_takes_every_file_of_the_example_and_the_starter() -> None:
    validator = jsonschema_rs.validator_for(estate.json_schema())
    texts = [path.read_text(encoding="utf-8") for path in EXAMPLE.glob("*.yaml")]
    assert len(texts) > 3
    for text in [*texts, *estate.starter().values(), "services:\n"]:
        node, _ = load(text.encode(), "x.yaml")
        assert node is not None
        assert [str(error) for error in validator.iter_errors(plain(node))] == []


@pytest.mark.parametrize(
    "text",
    [
        "servces: {}",
        "mainstay: 2",
        "services: {a: {tier: 4}}",
        "services: {a: {ownr: x}}",
        "services: {Big One: {}}",
        "escalations: {a: [{after: soon, notify: [person:ana]}]}",
        "escalations: {a: []}",
        "sources: {a: {format: json, map: {key: $.a, summary: $.b, severity: {from: $.c, '1': bad}}}}",
        "schedules: {a: {layers: [{rotate: daily, handover: '09:00', order: [{persn: ana}]}]}}",
    ],
)
def test_the_schema_refuses_what_has_the_wrong_shape(text: str) -> None:
    node, _ = load(text.encode(), "x.yaml")
    assert node is not None
    assert not jsonschema_rs.validator_for(estate.json_schema()).is_valid(plain(node))
