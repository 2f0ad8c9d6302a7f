"""Do the readers keep the rules of the protocols that they stand in for?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from mainstay import signals
from mainstay.estate import JsonMap, SeverityMap, Source
from mainstay.foundation.clock import from_us
from mainstay.foundation.errors import Forbidden, Invalid, OverLimit, Stuck, Unknown

AT_US = 1_795_312_281_000_000
ARRIVAL = signals.Arrival("sig_1", AT_US)
MINUTE = 60_000_000


def when(offset_s: float) -> str:
    return from_us(AT_US + round(offset_s * 1_000_000)).isoformat()


def read(door: str, body: Any, **declared: Any) -> signals.Reading:
    found = signals.door_named(door)
    source = Source(format=found.format, **declared)
    return found.read(json.dumps(body).encode(), source, ARRIVAL)


def alert(**fields: Any) -> signals.Item:
    """The one item of a POST to Alertmanager's door."""
    declared = fields.pop("declared", {})
    return read("alertmanager", [{"labels": {"alertname": "A"}} | fields], **declared).items[0]


def event(payload: dict[str, Any] | None = None, **fields: Any) -> signals.Item:
    """The one item of a trigger to PagerDuty's door."""
    full = {"summary": "s", "source": "h", "severity": "error"} | (payload or {})
    return read("pagerduty", {"event_action": "trigger", "payload": full} | fields).items[0]


class TestAlertmanager:
    def test_without_an_end_it_lives_for_the_resolve_timeout(self) -> None:
        assert alert().ends_at_us == AT_US + 5 * MINUTE
        short = alert(declared={"resolve_timeout": timedelta(minutes=1)})
        assert short.ends_at_us == AT_US + MINUTE
        assert alert(endsAt="0001-01-01T00:00:00Z").kind == "fire"

    def test_the_sources_own_expiry_comes_before_the_protocols(self) -> None:
        found = alert(endsAt=when(60), declared={"expire_after": timedelta(hours=1)})
        assert found.ends_at_us == AT_US + 60 * MINUTE

    def test_what_has_ended_by_now_is_resolved(self) -> None:
        assert alert(endsAt=when(0)).kind == "resolve"
        assert alert(endsAt=when(0.001)).kind == "fire"

    def test_a_resolve_without_a_start_began_no_later_than_it_ended(self) -> None:
        assert alert(endsAt=when(-60)).started_at_us == AT_US - MINUTE

    def test_empty_labels_do_not_count(self) -> None:
        assert alert(labels={"alertname": "A", "x": ""}).dedup_key == alert().dedup_key
        assert alert(labels={"alertname": "A", "x": ""}).labels == {"alertname": "A"}

    def test_the_order_of_labels_does_not_count(self) -> None:
        one, two = alert(labels={"a": "1", "b": "2"}), alert(labels={"b": "2", "a": "1"})
        assert one.dedup_key == two.dedup_key
        assert one.dedup_key != alert(labels={"a": "2", "b": "1"}).dedup_key

    def test_an_alert_of_dropped_labels_only_still_has_a_key_of_its_own(self) -> None:
        drop = {"drop_labels": ["replica"]}
        one = alert(labels={"replica": "a"}, declared=drop)
        two = alert(labels={"replica": "b"}, declared=drop)
        assert one.dedup_key != two.dedup_key

    def test_keys_stay_the_same_from_release_to_release(self) -> None:
        labels = {"b": 'ü "q" /\\', "alertname": "A"}
        assert alert(labels=labels).dedup_key == "ac7cf19e39910b5d553cd8dcd4fb9c93"

    @pytest.mark.parametrize(
        ("wrong", "pointer"),
        [
            ({"labels": {}}, "/1/labels"),
            ({"labels": {"a": ""}}, "/1/labels"),
            ({"labels": {"a-b": "x"}}, "/1/labels/a-b"),
            ({"labels": {"1a": "x"}}, "/1/labels/1a"),
            ({"labels": {"ä": "x"}}, "/1/labels/ä"),
            ({"annotations": {"b c": "x"}}, "/1/annotations/b c"),
            ({"startsAt": "yesterday"}, "/1/startsAt"),
            ({"endsAt": "2026-11-22"}, "/1/endsAt"),
            ({"startsAt": when(10), "endsAt": when(5)}, "/1/endsAt"),
            ({"labels": {"a": "x\0y"}}, "/1/labels/a"),
            ({"generatorURL": "http://x/\0"}, "/1/generatorURL"),
            ({"labels": {f"l{n}": "x" for n in range(10_001)}}, "/1/labels"),
        ],
    )
    def test_a_bad_alert_is_skipped_good_ones_are_kept_and_the_answer_is_400(
        self, wrong: dict[str, Any], pointer: str
    ) -> None:
        good = {"labels": {"alertname": "good"}}
        bad = {"labels": {"alertname": "bad"}} | wrong
        reading = read("alertmanager", [good, bad, good])
        assert [item.n for item in reading.items] == [0, 2]
        assert [(one.n, one.pointer) for one in reading.bad] == [(1, pointer)]
        reply = signals.door_named("alertmanager").reply("sig_1", reading.verdict)
        assert reply.status == 400
        assert json.loads(reply.body).startswith(pointer + ": ")

    def test_nothing_sent_is_nothing_read(self) -> None:
        assert read("alertmanager", []) == signals.Reading(())
        assert read("alertmanager", None) == signals.Reading(())

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "no address", "data:text/html,x"])
    def test_an_address_that_is_not_for_the_web_is_no_link(self, url: str) -> None:
        assert alert(generatorURL=url).url is None

    @pytest.mark.parametrize(
        ("word", "ours"),
        [
            ("page", "critical"),
            ("WARNING", "warning"),
            ("P1", "info"),
            ("odd", "error"),
            ("", "error"),
        ],
    )
    def test_the_sources_words_for_severity_come_before_the_known_ones(
        self, word: str, ours: str
    ) -> None:
        labels = {"alertname": "A", "severity": word}
        assert alert(labels=labels, declared={"severities": {"p1": "info"}}).severity == ours

    @pytest.mark.parametrize(
        ("annotations", "summary"),
        [
            ({"summary": "disk full", "description": "no"}, "disk full"),
            ({"description": "\n\n  first line\nsecond"}, "first line"),
            ({"summary": "  "}, "A (host=h1)"),
            ({}, "A (host=h1)"),
            ({"summary": "x" * 2000}, "x" * 1023 + "…"),
        ],
    )
    def test_the_summary_is_one_line_that_says_something(
        self, annotations: dict[str, str], summary: str
    ) -> None:
        labels = {"alertname": "A", "severity": "page", "host": "h1"}
        assert alert(labels=labels, annotations=annotations).summary == summary

    def test_only_a_severity_still_makes_a_summary(self) -> None:
        assert alert(labels={"severity": "page"}).summary


class TestWebhook:
    def test_one_bad_alert_does_not_take_the_others_with_it(self) -> None:
        good = {"status": "firing", "labels": {"a": "b"}}
        body = {"version": "4", "alerts": [good, good | {"status": "unsure"}]}
        reading = read("alertmanager-webhook", body)
        assert len(reading.items) == 1
        assert reading.bad[0].pointer == "/alerts/1/status"
        reply = signals.door_named("alertmanager-webhook").reply("sig_1", reading.verdict)
        assert reply.status == 202
        assert json.loads(reply.body)["refused"][0]["pointer"] == "/alerts/1/status"

    def test_another_version_is_refused(self) -> None:
        with pytest.raises(Invalid, match="version 4") as refused:
            read("alertmanager-webhook", {"version": "3", "alerts": []})
        assert refused.value.pointer == "/version"

    def test_grafanas_extras_are_kept_as_facts(self) -> None:
        one = {
            "status": "firing",
            "labels": {"a": "b"},
            "values": {"B": 1.5},
            "panelURL": "http://g",
        }
        body = {"version": "1", "orgId": 1, "title": "t", "alerts": [one]}
        facts = read("alertmanager-webhook", body).items[0].facts
        assert facts == {"orgId": 1, "title": "t", "values": {"B": 1.5}, "panelURL": "http://g"}


class TestPagerDuty:
    def test_a_long_summary_is_cut_and_not_refused(self) -> None:
        assert len(event({"summary": "x" * 5000}).summary) == 1024

    def test_its_own_documented_example_time_is_understood(self) -> None:
        started = event({"timestamp": "2015-07-17T08:42:58.315+0000"}).started_at_us
        assert from_us(started).isoformat() == "2015-07-17T08:42:58.315000+00:00"

    def test_two_triggers_without_a_key_are_two_alerts(self) -> None:
        body = {"summary": "s", "source": "h", "severity": "error"}
        raw = json.dumps({"event_action": "trigger", "payload": body}).encode()
        door, source = signals.door_named("pagerduty"), Source(format="pagerduty")
        keys = {door.read(raw, source, signals.Arrival(r, AT_US)).items[0].dedup_key for r in "ab"}
        assert len(keys) == 2

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"event_action": "explode"}, "/event_action"),
            ({"event_action": None}, "/event_action"),
            ({"event_action": "resolve"}, "/dedup_key"),
            ({"event_action": "acknowledge", "dedup_key": ""}, "/dedup_key"),
            ({"dedup_key": "x" * 256}, "/dedup_key"),
            ({"dedup_key": 5}, "/dedup_key"),
            ({"payload": None}, "/payload"),
            ({"payload": {"source": "h", "severity": "error"}}, "/payload/summary"),
            ({"payload": {"summary": " ", "source": "h", "severity": "error"}}, "/payload/summary"),
            ({"payload": {"summary": "s", "severity": "error"}}, "/payload/source"),
            ({"payload": {"summary": "s", "source": "h"}}, "/payload/severity"),
            ({"payload": {"summary": "s", "source": "h", "severity": "odd"}}, "/payload/severity"),
        ],
    )
    def test_what_it_requires_we_require(self, fields: dict[str, Any], pointer: str) -> None:
        whole = {"summary": "s", "source": "h", "severity": "error"}
        with pytest.raises(Invalid) as refused:
            read("pagerduty", {"event_action": "trigger", "payload": whole} | fields)
        assert refused.value.pointer == pointer

    def test_its_clients_may_also_put_their_key_into_a_header(self) -> None:
        key_of = signals.door_named("pagerduty").key_of
        assert key_of({"x-routing-key": "abc"}, None, b"{}") == "abc"
        assert key_of({"x-routing-key": "abc"}, None, b'{"routing_key": "def"}') == "def"
        assert key_of({}, None, b'{"routing_key": 5}') is None

    def test_an_unknown_key_is_400_as_there_so_that_clients_give_up(self) -> None:
        reply = signals.door_named("pagerduty").refuse(Unknown("No such key."))
        assert reply.status == 400
        assert json.loads(reply.body)["message"] == "Invalid routing key"

    def test_when_it_may_succeed_later_the_status_makes_clients_try_again(self) -> None:
        refuse = signals.door_named("pagerduty").refuse
        assert refuse(Stuck("full")).status == 503
        assert refuse(OverLimit("too many", limit=1, unit="requests")).status == 429

    def test_a_service_in_the_details_is_a_hint_and_a_label(self) -> None:
        found = event({"custom_details": {"service": "pay-api", "n": {"deep": 1}}})
        assert (found.service_hint, found.labels["service"]) == ("pay-api", "pay-api")
        assert found.annotations == {"service": "pay-api"}


MAP = JsonMap(
    key="$.job",
    summary="$.text",
    severity=SeverityMap(from_="$.sev", words={"1": "critical"}, otherwise="info"),
    service="$.app['the name']",
    url="$.link",
    resolve="$.state == 'OK'",
    labels={"host": "$.where[0]"},
)


class TestJson:
    def test_the_map_says_where_everything_stands(self) -> None:
        body = {
            "job": 17,
            "text": "abend S0C7",
            "sev": 1,
            "app": {"the name": "settlement"},
            "link": "https://x/1",
            "where": ["mvs1"],
        }
        item = read("json", body, map=MAP).items[0]
        assert (item.kind, item.dedup_key, item.summary) == ("fire", "17", "abend S0C7")
        assert (item.severity, item.service_hint, item.url) == (
            "critical",
            "settlement",
            "https://x/1",
        )
        assert item.labels == {"host": "mvs1", "service": "settlement"}

    @pytest.mark.parametrize(
        ("word", "ours"), [(2, "info"), ("warning", "warning"), (None, "info")]
    )
    def test_severity_falls_back_to_known_words_and_then_to_the_maps_otherwise(
        self, word: Any, ours: str
    ) -> None:
        item = read("json", {"job": "j", "text": "t", "sev": word}, map=MAP).items[0]
        assert item.severity == ours

    def test_a_resolve_needs_its_key_only(self) -> None:
        assert read("json", {"job": "j", "state": "OK"}, map=MAP).items[0].kind == "resolve"

    def test_what_the_map_needs_and_does_not_find_is_refused_with_its_place(self) -> None:
        with pytest.raises(Invalid) as refused:
            read("json", {"text": "t"}, map=MAP)
        assert refused.value.pointer == "/job"

    @pytest.mark.parametrize("declared", [{"map": MAP}, {}])
    def test_a_key_too_long_is_refused_and_not_cut(self, declared: dict[str, Any]) -> None:
        body = {"job": "x" * 256, "key": "x" * 256, "text": "t", "summary": "t"}
        with pytest.raises(Invalid, match="256"):
            read("json", body, **declared)

    def test_of_many_items_the_good_ones_are_kept(self) -> None:
        many = JsonMap(key="$.id", summary="$.m", items="$.all[0].list")
        body = {"all": [{"list": [{"id": 1, "m": "one"}, {"m": "no id"}, 5]}]}
        reading = read("json", body, map=many)
        assert [item.dedup_key for item in reading.items] == ["1"]
        assert [bad.pointer for bad in reading.bad] == ["/all/0/list/1/id", "/all/0/list/2/id"]

    def test_no_list_where_the_map_says_is_refused(self) -> None:
        with pytest.raises(Invalid, match="no list"):
            read("json", {"a": 1}, map=JsonMap(key="$.k", summary="$.s", items="$.a"))

    def test_without_a_map_the_usual_names_are_tried(self) -> None:
        body = {"title": "down", "id": 4, "level": "crit", "status": "firing", "labels": {"a": 1}}
        item = read("json", body).items[0]
        assert (item.summary, item.dedup_key, item.severity) == ("down", "4", "critical")
        assert item.labels == {"a": "1"}
        assert read("json", body | {"status": "Resolved"}).items[0].kind == "resolve"


class TestReport:
    def test_a_report_says_what_who_and_where(self) -> None:
        body = {"summary": "pay is slow", "reporter": "ana", "service": "pay-api", "details": "3 s"}
        item = read("report", body).items[0]
        assert (item.summary, item.service_hint, item.severity) == (
            "pay is slow",
            "pay-api",
            "error",
        )
        assert item.labels == {"reporter": "ana", "service": "pay-api"}
        assert item.annotations == {"details": "3 s"}

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"summary": " "}, "/summary"),
            ({"reporter": ""}, "/reporter"),
            ({"severity": "doom"}, "/severity"),
            ({"details": "x" * 65_537}, "/details"),
        ],
    )
    def test_an_incomplete_report_is_refused_with_its_place(
        self, fields: dict[str, Any], pointer: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            read("report", {"summary": "s", "reporter": "ana"} | fields)
        assert refused.value.pointer == pointer


class TestDoors:
    def test_every_door_has_a_name_of_its_own(self) -> None:
        names = [door.name for door in signals.DOORS]
        assert len(set(names)) == len(names)

    def test_at_a_shared_path_the_sources_format_decides(self) -> None:
        shared = tuple(door for door in signals.DOORS if "/hook" in door.paths)
        assert len(shared) == 2
        assert {signals.choose(shared, d.format).name for d in shared} == {d.name for d in shared}

    def test_a_key_at_a_wrong_door_is_told_the_right_one(self) -> None:
        with pytest.raises(Forbidden, match="/v2/enqueue"):
            signals.choose((signals.door_named("json"),), "pagerduty")

    @pytest.mark.parametrize(
        ("headers", "in_path", "key"),
        [
            ({}, None, None),
            ({}, "pathkey", "pathkey"),
            ({"authorization": "Bearer abc"}, None, "abc"),
            ({"authorization": "GenieKey abc"}, None, "abc"),
            ({"authorization": "Basic OmFiYw=="}, None, "abc"),
            ({"authorization": "Basic YWJjOg=="}, None, "abc"),
            ({"authorization": "Basic ???"}, None, None),
            ({"authorization": "Digest abc"}, None, None),
            ({"authorization": "Bearer "}, None, None),
        ],
    )
    def test_a_key_is_found_wherever_a_client_can_put_it(
        self, headers: dict[str, str], in_path: str | None, key: str | None
    ) -> None:
        assert signals.door_named("json").key_of(headers, in_path, b"") == key

    @pytest.mark.parametrize("kind", ["application/json", "text/plain; charset=UTF-8", ""])
    def test_utf8_is_welcome_by_any_name(self, kind: str) -> None:
        signals.check_headers({"content-type": kind})

    @pytest.mark.parametrize("charset", ["latin-1", '"utf-16"', "", "x;charset=utf-16"])
    def test_another_character_set_is_refused(self, charset: str) -> None:
        with pytest.raises(Invalid, match="UTF-8"):
            signals.check_headers({"content-type": f"application/json; charset={charset}"})
