"""What holds for the corridor whatever comes in: once is enough, order does not matter, one of each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from walk import ALONE, CHAIN, SERVICES, Walk, fire, over

pytestmark = pytest.mark.both

FEW = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
KEY = st.tuples(st.sampled_from(SERVICES), st.sampled_from("AB"))
ITEM = st.tuples(st.sampled_from(["fire", "over"]), KEY)
REQUEST = st.lists(ITEM, min_size=1, max_size=4, unique_by=lambda item: item[1])
"""A sender says of one alert in one request that it fires or that it is over, not both."""
Item = tuple[str, tuple[str, str]]


def body(walk: Walk, items: list[Item]) -> list[dict[str, Any]]:
    now = walk.clock.now()
    return [
        fire(service, name) if kind == "fire" else over(service, name, "critical", now)
        for kind, (service, name) in items
    ]


def alerts_of(walk: Walk) -> list[Any]:
    """Every alert without its ids and counts, in the order in which they opened."""
    return [
        tuple(row.values())
        for row in walk.rows(
            "SELECT a.service, a.dedup_key, a.severity, a.state, a.source_state, a.opened_at,"
            " a.closed_at, i.number AS incident FROM alerts_alert AS a"
            " LEFT JOIN incidents_incident AS i ON i.id = a.incident"
            " WHERE a.source = 'prometheus' ORDER BY a.opened_at, a.dedup_key, a.closed_at"
        )
    ]


def incidents_of(walk: Walk) -> list[Any]:
    return [
        (one.number, one.service, one.title, one.state, one.severity, one.opened_at)
        for one in walk.incidents()
    ]


def planned(walk: Walk) -> Counter[Any]:
    """Who was to be paged for what, whatever the limiter bundled."""
    rows = walk.rows(
        "SELECT s.person, s.channel, s.step, s.round, i.service FROM paging_send AS s"
        " JOIN incidents_incident AS i ON i.id = s.incident"
    )
    return Counter(tuple(row.values()) for row in rows)


@FEW
@given(
    requests=st.lists(st.tuples(REQUEST, st.integers(1, 3), st.integers(0, 20)), max_size=8),
    hurry=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_admitted_twice_is_once(
    requests: list[tuple[list[Item], int, int]], hurry: list[bool]
) -> None:
    """A sender that heard no answer sends again: the same alerts, incidents and pages."""
    once, often = Walk(), Walk()
    try:
        for (items, copies, minutes), wait in zip(requests, hurry, strict=False):
            once.sends(body(once, items))
            for _ in range(copies):
                often.sends(body(often, items))
                if not wait:
                    often.settle()
            for walk in (once, often):
                walk.settle()
                walk.forward(minutes=minutes, each_s=600)
        assert alerts_of(often) == alerts_of(once)
        assert incidents_of(often) == incidents_of(once)
        assert planned(often) == planned(once)
    finally:
        once.end()
        often.end()


@FEW
@given(data=st.data())
def test_the_order_of_independent_signals_does_not_matter(data: st.DataObject) -> None:
    """Services that have nothing to do with each other: however their signals interleave."""
    queues = {
        service: data.draw(
            st.lists(
                st.tuples(st.sampled_from("ABC"), st.sampled_from(["critical", "warning"])),
                max_size=3,
            )
        )
        for service in ALONE
    }
    outcomes = []
    for _ in range(2):
        walk = Walk()
        left = {service: list(queue) for service, queue in queues.items()}
        try:
            while any(left.values()):
                batch = []
                for _ in range(data.draw(st.integers(1, 4))):
                    waiting = sorted(service for service, queue in left.items() if queue)
                    if not waiting:
                        break
                    service = data.draw(st.sampled_from(waiting))
                    name, severity = left[service].pop(0)
                    batch.append(fire(service, name, severity))
                walk.sends(batch)
                if data.draw(st.booleans()):
                    walk.settle()
            walk.settle()
            alerts = sorted(row[:5] for row in alerts_of(walk))
            incidents = sorted(row[1:5] for row in incidents_of(walk))
            outcomes.append((alerts, incidents, planned(walk)))
        finally:
            walk.end()
    assert outcomes[0] == outcomes[1]


@FEW
@given(
    requests=st.lists(st.tuples(REQUEST, st.sampled_from([0, 1, 14, 16, 61])), max_size=8),
    hurry=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_one_open_alert_for_a_key_and_one_open_incident_for_a_service(
    requests: list[tuple[list[Item], int]], hurry: list[bool]
) -> None:
    """In any order, over any time: and nothing is set aside as if its sender were at fault."""
    walk = Walk()
    try:
        for (items, minutes), wait in zip(requests, hurry, strict=False):
            walk.sends(body(walk, items))
            if not wait:
                walk.settle()
            walk.forward(minutes=minutes, each_s=600)
        walk.settle()
        assert not walk.rows("SELECT receipt FROM signals_request WHERE state <> 'settled'")
        open_keys = [(alert.source, alert.dedup_key) for alert in walk.alerts()]
        assert len(open_keys) == len(set(open_keys))
        expected: set[tuple[str, str]] = set()
        for items, _ in requests:
            for kind, key in items:
                (expected.add if kind == "fire" else expected.discard)(key)
        ours = [alert for alert in walk.alerts() if alert.source == "prometheus"]
        found = {(alert.service, alert.labels["alertname"]) for alert in ours}
        assert found == expected
        open_incidents = [one for one in walk.incidents() if one.is_open]
        joined = walk.rows("SELECT service, incident FROM incidents_service WHERE open = 1")
        assert len({row["service"] for row in joined}) == len(joined)
        assert {row["incident"] for row in joined} == {one.id for one in open_incidents}
        assert {alert.incident for alert in walk.alerts()} == {one.id for one in open_incidents}
    finally:
        walk.end()


@FEW
@given(st.permutations([*CHAIN, "alpha"]))
def test_a_chain_of_services_is_one_incident_in_whatever_order_it_breaks(order: list[str]) -> None:
    walk = Walk()
    try:
        for service in order:
            walk.fires(service)
        together = [one for one in walk.incidents() if one.service in CHAIN]
        # checkout and pay-db are two steps apart: related as well.
        assert len(together) == 1
        assert len(walk.incidents()) == 2
    finally:
        walk.end()
