"""Is a log line read as its program meant it: time, level, who said it, and what?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mainstay.telemetry.logs import Event, events

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)


def read(*lines: str | bytes) -> list[Event]:
    return list(events(lines, now=NOW))


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("line", "when", "level", "source", "message"),
    [
        ("2026-03-01T00:00:00.500Z host-012 ERROR HDFS/dfs.DataNode[12]: Received block",
         "2026-03-01T00:00:00.500Z", "error", "HDFS/dfs.DataNode", "Received block"),
        ("2015-10-18 18:01:47,978 INFO [main] org.apache.MRAppMaster: Created it",
         "2015-10-18T18:01:47.978Z", "info", "org.apache.MRAppMaster", "Created it"),
        ("17/06/09 20:10:40 INFO executor.Backend: Registered handlers for [TERM]",
         "2017-06-09T20:10:40Z", "info", "executor.Backend", "Registered handlers for [TERM]"),
        ("20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579",
         "2017-12-23T22:15:29.606Z", "", "Step_LSC", "onStandStepChanged 3579"),
        ("[Sun Dec 04 04:47:44 2005] [error] mod_jk child in error state 6",
         "2005-12-04T04:47:44Z", "error", "", "mod_jk child in error state 6"),
        ("03-17 16:13:38.811  1702  2395 D WindowManager: opening app",
         "2026-03-17T16:13:38.811Z", "debug", "WindowManager", "opening app"),
        ("081109 203615 148 INFO dfs.DataNode: Responder 1 terminating",
         "2008-11-09T20:36:15Z", "info", "dfs.DataNode", "Responder 1 terminating"),
        ("2026-01-02 03:04:05,678 - my.logger - WARNING - a message - with a dash",
         "2026-01-02T03:04:05.678Z", "warning", "my.logger", "a message - with a dash"),
        ("2026-01-02 03:04:05.123  INFO 1 --- [nio-8080-exec-1] o.s.Servlet : Completed in 9 ms",
         "2026-01-02T03:04:05.123Z", "info", "o.s.Servlet", "Completed in 9 ms"),
        ("E1124 12:15:49.123456       1 reflector.go:138] Failed to watch *v1.Pod",
         "2026-11-24T12:15:49.123456Z", "error", "reflector.go:138", "Failed to watch *v1.Pod"),
        ("2026-11-24 13:00:00.000 UTC [123] mara@pay ERROR:  deadlock detected",
         "2026-11-24T13:00:00Z", "error", "mara@pay", "deadlock detected"),
        ("Jun 14 15:16:01 combo sshd[19939]: error: Received disconnect",
         "2026-06-14T15:16:01Z", "error", "sshd", "error: Received disconnect"),
        ("Dec 31 23:59:59 combo cron[1]: tick",
         "2025-12-31T23:59:59Z", "", "cron", "tick"),
        ("<34>1 2003-10-11T22:14:15.003Z mail.example.com su - ID47 - 'su root' failed",
         "2003-10-11T22:14:15.003Z", "critical", "su", "'su root' failed"),
        ('{"timestamp":"2026-11-01T01:02:03.5Z","level":"WARN","logger":"a.b","message":"slow"}',
         "2026-11-01T01:02:03.5Z", "warning", "a.b", "slow"),
        ('{"level":50,"time":1767323045000,"name":"shop","msg":"no"}',
         "2026-01-02T03:04:05Z", "error", "shop", "no"),
        ('ts=2026-11-01T01:02:03Z level=error component=db msg="could not \\"do\\" it" err=x',
         "2026-11-01T01:02:03Z", "error", "db", 'could not "do" it'),
        ("2026-01-02T03:04:05Z stderr F {\"level\":\"error\",\"msg\":\"oh\",\"app\":\"shop\"}",
         "2026-01-02T03:04:05Z", "error", "shop", "oh"),
        ('10.0.0.9 - - [10/Oct/2026:13:55:36 -0700] "GET /orders/17?x=1 HTTP/1.1" 503 26 "-" "curl"',
         "2026-10-10T20:55:36Z", "error", "access", "GET /orders/17?x=1 HTTP/1.1 503"),
    ],
)  # fmt: skip
def test_a_line_is_read_as_its_program_meant_it(
    line: str, when: str, level: str, source: str, message: str
) -> None:
    (event,) = read(line)
    assert (event.at_us, event.level, event.source, event.message) == (
        at(when), level, source, message,
    )  # fmt: skip


def test_a_line_of_no_layout_is_its_message() -> None:
    (event,) = read("just words")
    assert (event.message, event.at_us, event.level) == ("just words", None, "")


@pytest.mark.parametrize("level", ["WARNING:root:hello", "[WARN] hello", "warning: hello"])
def test_a_level_without_a_time_is_read(level: str) -> None:
    assert read(level)[0].level in ("warning", "")


def test_a_java_trace_is_one_event_with_its_cause() -> None:
    found = read(
        "2026-01-02 03:04:05 ERROR a.b: boom",
        "java.lang.IllegalStateException: no",
        "\tat a.b.C.d(C.java:1)",
        "Caused by: java.io.IOException: No space left on device",
        "\t... 3 more",
        "2026-01-02 03:04:06 INFO a.b: fine",
    )
    assert [one.message for one in found] == ["boom", "fine"]
    assert found[0].cause == "java.io.IOException: No space left on device"
    assert found[1].line == 6


def test_a_python_trace_without_times_is_one_event() -> None:
    found = read(
        "begin", "Traceback (most recent call last):", '  File "a.py"', "ValueError: no", "end"
    )
    assert [(one.message, one.cause) for one in found] == [("begin", "ValueError: no"), ("end", "")]


def test_broken_bytes_and_nuls_are_read_all_the_same() -> None:
    found = read(b"2026-01-02 03:04:05 ERROR a.b: \xff\xfe\x00 broken", b"", b"\x80")
    assert found[0].level == "error"
    assert found[0].message.endswith("broken")


def test_a_message_without_end_is_cut_with_a_mark() -> None:
    (event,) = read("2026-01-02 03:04:05 ERROR a.b: " + "x" * 10_000_000)
    assert len(event.message) < 20_000
    assert event.message.endswith("(cut)")


def test_a_zone_is_used_where_the_line_names_none() -> None:
    zone = timezone(timedelta(hours=2))
    (event,) = events(["2026-01-02 03:04:05 INFO a.b: x"], zone=zone, now=NOW)
    assert event.at_us == at("2026-01-02T01:04:05Z")


@pytest.mark.parametrize(
    "line", ["2026-13-45 99:99:99 ERROR a: b", "Feb 30 10:00:00 h p: m", "9" * 5000]
)
def test_what_is_no_time_stops_nothing(line: str) -> None:
    assert read(line)[0].at_us is None


def test_an_access_log_line_tells_its_template_and_values() -> None:
    (event,) = read(
        '::1 - - [10/Oct/2026:13:55:36 +0000] "POST /a/7b/pay?token=1 HTTP/1.1" 404 26 "-" "-" 0.3'
    )
    assert (event.shape, event.level) == ("POST /a/<*>/pay 404", "warning")
    assert event.fields["took"] == "0.3"
