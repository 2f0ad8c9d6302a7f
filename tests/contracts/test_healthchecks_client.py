"""Does the `healthchecks-io` client, unmodified, find everything that it looks for?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from healthchecks_io import Check, CheckCreate, CheckTrap, Client
from healthchecks_io.client import exceptions
from healthchecks_io.schemas.checks import CheckUpdate

from live import ESTATE, Live, live
from peers import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TEXT = ESTATE.replace("sources:\n", "sources:\n  jobs: {format: heartbeat}\n").replace(
    "teams:\n", "teams:\n  data: {members: [ben]}\n"
)


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("hc"), text=TEXT) as running:
        yield running


@pytest.fixture(params=[1, 2, 3])
def client(mainstay: Live, request: pytest.FixtureRequest) -> Iterator[Client]:
    made = client_of(mainstay, mainstay.token("lead"), version=request.param)
    with made:
        yield made


def client_of(mainstay: Live, token: str, *, version: int = 3) -> Client:
    return Client(
        api_key=token, ping_key=mainstay.key("jobs"), api_url=f"{mainstay.url}/api/",
        ping_url=f"{mainstay.url}/ping/", api_version=version,
    )  # fmt: skip


def nightly(**more: Any) -> CheckCreate:
    """A job at night; every test its own."""
    words = {"name": f"Backup {uuid4()}", "tags": "db service=pay-db", "desc": "of pay-db"}
    return CheckCreate(**(words | more))


def as_soon_as(client: Client, uuid: str | None, wanted: str) -> Check:
    """The check, once it stands so."""

    def look() -> Check | None:
        found: Check = client.get_check(str(uuid))
        return found if found.status == wanted else None

    check: Check = wait_until(look, within_s=30, what=f"a check that is {wanted}")
    return check


def test_a_check_is_made_found_changed_and_deleted(client: Client) -> None:
    made = client.create_check(nightly(timeout=3600, grace=600))
    assert (made.status, made.timeout, made.grace, made.n_pings) == ("new", 3600, 600, 0)
    assert client.get_check(made.uuid or "").name == made.name
    changed = client.update_check(
        made.uuid or "", CheckUpdate(schedule="15 1 * * *", tz="Europe/Zurich", grace=2400)
    )
    assert (changed.timeout, changed.grace, changed.desc) == (None, 2400, "of pay-db")
    assert made.uuid in [one.uuid for one in client.get_checks(tags=["db"])]
    assert made.uuid not in [one.uuid for one in client.get_checks(tags=["web"])]
    assert client.delete_check(made.uuid or "").uuid == made.uuid
    with pytest.raises(exceptions.CheckNotFoundError):
        client.get_check(made.uuid or "")


def test_what_is_unique_is_made_once(client: Client) -> None:
    wanted = nightly(unique=["name"])
    first = client.create_check(wanted)
    again = client.create_check(wanted.model_copy(update={"grace": 1200}))
    assert (again.uuid, again.grace) == (first.uuid, 1200)


def test_pings_of_each_kind_are_taken_and_told(client: Client) -> None:
    uuid = client.create_check(nightly()).uuid or ""
    for ping in (client.start_ping, client.success_ping):
        assert ping(uuid=uuid, data="812 MB") == (True, "OK")
    up = as_soon_as(client, uuid, "up")
    assert up.n_pings == 2
    assert up.next_ping is not None
    assert client.fail_ping(uuid=uuid) == (True, "OK")
    as_soon_as(client, uuid, "down")
    assert client.exit_code_ping(0, uuid=uuid) == (True, "OK")
    as_soon_as(client, uuid, "up")
    pings = client.get_check_pings(uuid)
    assert [one.type for one in pings] == ["success", "fail", "success", "start"]
    assert pings[2].duration is not None
    assert pings[0].user_agent.startswith("py-healthchecks.io/")


def test_a_name_pings_with_the_key_of_a_source(client: Client) -> None:
    made = client.create_check(nightly(name=f"export {uuid4()}"))
    assert client.success_ping(slug=made.slug) == (True, "OK")
    as_soon_as(client, made.uuid, "up")


def test_a_paused_check_is_resumed_by_a_ping(client: Client) -> None:
    uuid = client.create_check(nightly()).uuid or ""
    assert client.pause_check(uuid).status == "paused"
    assert client.pause_check(uuid).status == "paused"
    client.success_ping(uuid=uuid)
    as_soon_as(client, uuid, "up")


def test_a_trap_around_code_says_when_it_starts_ends_and_fails(client: Client) -> None:
    uuid = client.create_check(nightly()).uuid or ""
    with CheckTrap(client, uuid=uuid) as trap:
        trap.add_log("812 MB")
    as_soon_as(client, uuid, "up")
    with pytest.raises(ZeroDivisionError), CheckTrap(client, uuid=uuid):
        _ = 1 // 0
    as_soon_as(client, uuid, "down")


def test_what_the_estate_has_instead_is_empty(client: Client) -> None:
    assert client.get_integrations() == []
    assert client.get_badges() == {}


@pytest.mark.parametrize(
    ("token", "raised"),
    [("", exceptions.HCAPIAuthError), ("mst_nobody", exceptions.HCAPIAuthError)],
)
def test_without_a_token_nothing_is_told(
    mainstay: Live, token: str, raised: type[Exception]
) -> None:
    with client_of(mainstay, token) as stranger, pytest.raises(raised):
        stranger.get_checks()


def test_who_may_only_read_is_told_no_uuid_and_makes_nothing(mainstay: Live) -> None:
    with client_of(mainstay, mainstay.token("lead")) as lead:
        made = lead.create_check(nightly())
    with client_of(mainstay, mainstay.token("viewer")) as viewer:
        found = {one.name: one for one in viewer.get_checks()}
        assert (found[made.name].uuid, found[made.name].ping_url) == (None, None)
        assert found[made.name].unique_key is not None
        for forbidden in (
            lambda: viewer.create_check(nightly()),
            lambda: viewer.pause_check(made.uuid or ""),
            lambda: viewer.delete_check(made.uuid or ""),
        ):
            with pytest.raises(exceptions.HCAPIAuthError):
                forbidden()


def test_another_teams_heartbeat_is_neither_listed_nor_touched(mainstay: Live) -> None:
    with client_of(mainstay, mainstay.token("lead")) as lead:
        made = lead.create_check(nightly())
    other = mainstay.token("lead", person="ben", team="data")
    with client_of(mainstay, other) as stranger:
        assert made.uuid not in [one.uuid for one in stranger.get_checks()]
        for forbidden in (
            lambda: stranger.get_check(made.uuid or ""),
            lambda: stranger.get_check_pings(made.uuid or ""),
            lambda: stranger.pause_check(made.uuid or ""),
            lambda: stranger.delete_check(made.uuid or ""),
            lambda: stranger.update_check(made.uuid or "", CheckUpdate(grace=60)),
            lambda: stranger.create_check(nightly()),
        ):
            with pytest.raises(exceptions.HCAPIAuthError):
                forbidden()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"timeout": 10}, "timeout is too small"),
        ({"grace": "x"}, "grace is not a number"),
        ({"schedule": "now and then"}, "schedule is not a valid cron or OnCalendar expression"),
        ({"tz": "Mars/Olympus"}, "tz is not a valid timezone"),
        ({"unique": ["desc"]}, "has unexpected value"),
        ({"manual_resume": 1}, "manual_resume is not a boolean"),
        ({"name": 7}, "name is not a string"),
        ({"tags": "service=nowhere"}, "There is no service 'nowhere'"),
        ({"slug": "No Such Slug"}, "A heartbeat's name has small letters"),
        ([], "value is not an object"),
    ],
)
def test_what_cannot_be_taken_is_told_in_a_sentence(mainstay: Live, body: Any, words: str) -> None:
    headers = {"X-Api-Key": mainstay.token("lead")}
    reply = mainstay.call("POST", "/api/v3/checks/", body, headers=headers)
    assert reply.status == 400
    assert words in reply.json["error"]


def test_flips_and_outputs_are_told_as_healthchecks_does(mainstay: Live) -> None:
    """`get_check_flips` of the client wants a bare list, which Healthchecks does not send either."""
    headers = {"X-Api-Key": mainstay.token("lead")}
    with client_of(mainstay, mainstay.token("lead")) as client:
        uuid = client.create_check(nightly()).uuid or ""
        client.fail_ping(uuid=uuid, data="disk full")
        as_soon_as(client, uuid, "down")
        client.success_ping(uuid=uuid)
        as_soon_as(client, uuid, "up")
    base = f"/api/v3/checks/{uuid}"
    flips = mainstay.call("GET", f"{base}/flips/", headers=headers).json["flips"]
    assert [one["up"] for one in flips] == [1, 0]
    assert mainstay.call("GET", f"{base}/pings/1/body", headers=headers).body == b"disk full"
    assert mainstay.call("GET", f"{base}/pings/9/body", headers=headers).status == 404
    assert mainstay.call("GET", f"{base}/flips/?seconds=x", headers=headers).status == 400


def test_the_key_may_stand_in_the_body(mainstay: Live) -> None:
    body = {"api_key": mainstay.token("lead"), "name": "in the body"}
    assert mainstay.call("POST", "/api/v3/checks/", body).status == 201


def test_alertmanagers_own_paths_are_left_to_it(mainstay: Live) -> None:
    assert mainstay.call("GET", "/api/v2/status", role="viewer").status == 200
    assert mainstay.call("GET", "/api/v2/alerts", role="viewer").status == 200
