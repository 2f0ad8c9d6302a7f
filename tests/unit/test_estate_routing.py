"""Does every signal find its service, and every service its policy, priority and mode?"""

from __future__ import annotations

import pytest

from mainstay import estate
from mainstay.estate import routing

SERVICES = {
    "pay-api": estate.Service(tier=1, owner="payops", escalation="payments-p1", depends=["db"]),
    "ledger": estate.Service(tier=2, owner="payops", depends=["db", "bus"]),
    "db": estate.Service(tier=1, owner="data", depends=["disk"]),
    "bus": estate.Service(tier=3, paging="live"),
    "disk": estate.Service(),
    "lost": estate.Service(tier=3),
}
STEP = estate.Step(notify=[estate.Target("person", "ana")])


def small(*routes: tuple[dict[str, str], str], **more: object) -> estate.Estate:
    return estate.Estate(
        org=more.pop("org", estate.Org(name="Small")),
        services=SERVICES,
        routes=[estate.Route(match=match, to=to) for match, to in routes],
        escalations={name: estate.Escalation(steps=[STEP]) for name in ("payments-p1", "data", "fallback")},
        **more,
    )  # fmt: skip


def service(routes: estate.Routes, **labels: str) -> str:
    return routes.service_of("prometheus", "critical", labels).service


@pytest.mark.parametrize(
    ("condition", "value", "fits"),
    [
        ("db", "db", True),
        ("db", "db2", False),
        ("!db", "db2", True),
        ("!db", "db", False),
        ("~pay-.*", "pay-api", True),
        ("~pay-.*", "old-pay-api", False),
        ("~a|b", "ab", False),
        ("!~pay-.*", "pay-api", False),
        ("!~pay-.*", "db", True),
        ("~.*", None, True),
        ("db", None, False),
        ("!db", None, True),
        ("~.+", None, False),
        ("~ü.", "üö", True),
        ("~.", "\ud800", True),
    ],
)
def test_a_condition_compares_the_whole_text_and_takes_an_absent_label_as_empty(
    condition: str, value: str | None, fits: bool
) -> None:
    routes = estate.Routes(small(({"job": condition}, "service:db"), ({}, "service:lost")))
    labels = {} if value is None else {"job": value}
    assert (service(routes, **labels) == "db") is fits


def test_the_first_route_that_fits_wins_and_says_so() -> None:
    routes = estate.Routes(
        small(
            ({"source": "mainframe"}, "service:ledger"),
            ({"service": "~pay-.*", "severity": "critical"}, "service:{service}"),
            ({}, "service:lost"),
        )
    )
    assert routes.service_of("mainframe", "info", {"service": "pay-api"}).service == "ledger"
    found = routes.service_of("prometheus", "critical", {"service": "pay-api"})
    assert found == estate.Routed(
        "pay-api", "route 2 matched service ~pay-.* and severity critical"
    )
    assert routes.service_of("prometheus", "info", {"service": "pay-api"}).service == "lost"


def test_a_service_that_does_not_exist_falls_on_to_the_next_route() -> None:
    routes = estate.Routes(small(({"service": "~.+"}, "service:{service}"), ({}, "service:lost")))
    assert routes.service_of("p", "info", {"service": "pay-x"}) == estate.Routed(
        "lost", "route 1 matched service ~.+, but 'pay-x' is no service; route 2 takes the rest"
    )


def test_what_no_route_fits_is_unrouted() -> None:
    routes = estate.Routes(small(({}, "service:gone")))
    assert routes.service_of("p", "info", {}).service == "unrouted"
    assert estate.Routes(small()).service_of("p", "info", {}) == estate.Routed(
        "unrouted", "no route fits"
    )


def test_answers_are_kept_by_what_routes_look_at_and_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routing, "REMEMBERED_MAX", 3)
    routes = estate.Routes(small(({"job": "~x.*"}, "service:db"), ({}, "service:lost")))
    for number in range(50):
        assert service(routes, job="x", instance=str(number)) == "db"
    assert len(routes._remembered) == 1
    for number in range(50):
        assert service(routes, job=f"y{number}") == "lost"
    assert service(routes, job="x" * 10_000) == "db"
    assert len(routes._remembered) <= 3
    assert all(len(str(key)) < 100 for key in routes._remembered)


def test_an_evil_regex_costs_linear_time() -> None:
    routes = estate.Routes(small(({"job": "~(a+)+b"}, "service:db"), ({}, "service:lost")))
    assert service(routes, job="a" * 100_000) == "lost"


def test_the_policy_is_the_services_own_else_its_owners_else_default_else_fallback() -> None:
    made = small()
    assert estate.policy_of(made, "pay-api") == "payments-p1"
    assert estate.policy_of(made, "db") == "data"
    assert estate.policy_of(made, "ledger") == "fallback"
    assert estate.policy_of(made, "no-such") == "fallback"
    made = made.model_copy(
        update={"escalations": made.escalations | {"default": estate.Escalation(steps=[STEP])}}
    )
    assert estate.policy_of(made, "ledger") == "default"
    assert estate.policy_of(made, "no-such") == "default"


def test_the_priority_is_the_tier_by_the_severity() -> None:
    made = small(priorities={"tier-1": {"warning": "P2"}})
    assert estate.priority_of(made, "pay-api", "critical") == "P1"
    assert estate.priority_of(made, "pay-api", "warning") == "P2"
    assert estate.priority_of(made, "ledger", "error") == "P3"
    assert estate.priority_of(made, "no-such", "critical") == "P3"
    assert estate.priority_of(made, "no-such", "odd") == "P4"


def test_paging_is_shadow_where_the_most_specific_that_says_anything_says_so() -> None:
    teams = {
        "data": estate.Team(members=["ana"], paging="shadow"),
        "payops": estate.Team(members=["ana"]),
    }
    made = small(teams=teams)
    assert [name for name in SERVICES if estate.is_shadow(made, name)] == ["db"]
    made = small(teams=teams, org=estate.Org(name="Small", paging="shadow"))
    assert [name for name in SERVICES if not estate.is_shadow(made, name)] == ["bus"]
    assert estate.is_shadow(made, "no-such")


def test_distance_counts_steps_in_one_direction_and_a_shared_need_relates_nobody() -> None:
    graph = estate.Graph(small())
    ledger = graph.distances("ledger")
    assert (ledger["db"], ledger["bus"], ledger["disk"]) == (1, 1, 2)
    assert graph.distances("disk")["db"] == 1
    assert {"db", "pay-api", "ledger"} == set(graph.distances("disk"))
    assert "ledger" not in ledger
    assert graph.distances("no-such") == {}
