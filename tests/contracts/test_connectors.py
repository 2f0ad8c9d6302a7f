"""Is telemetry that stays where it is asked as it must be: real Prometheus and VictoriaMetrics, and Loki's API?"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from mainstay import diagnosis
from mainstay.diagnosis.collectors import Question, of_telemetry
from mainstay.diagnosis.material import Measure, Phase
from mainstay.estate.collections import Estate, Queries, Telemetry
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Outside, Refused
from mainstay.telemetry import connectors
from peers import Peer

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
QUESTION = Question(
    ("shop", "ledger"), NOON - timedelta(hours=2), NOON, NOON + timedelta(minutes=20)
)
WINDOW = connectors.Window(NOON - timedelta(hours=2), NOON + timedelta(minutes=20))


def samples(*, in_ms: bool) -> str:
    """Three hours of two services, at noon one gets slow and fails a tenth of its requests."""
    lines = []
    totals = {"shop": [0.0, 0.0, 0.0, 0.0], "books": [0.0, 0.0, 0.0, 0.0]}
    begin = NOON - timedelta(hours=2, minutes=10)
    for step in range(0, 160 * 4):
        at = begin + timedelta(seconds=15 * step)
        stamp = str(int(at.timestamp() * 1000)) if in_ms else str(int(at.timestamp()))
        for job, held in totals.items():
            sick = job == "books" and at >= NOON
            held[0] += 150 * (0.9 if sick else 1)
            held[1] += 15 if sick else 0
            held[2] += 150 * (2.0 if sick else 0.1)
            held[3] += 3.0 if sick else 1.5
            lines += [
                ("http_requests_total", f'{{job="{job}",code="200"}}', held[0], stamp),
                ("http_requests_total", f'{{job="{job}",code="503"}}', held[1], stamp),
                ("http_request_duration_seconds_sum", f'{{job="{job}"}}', held[2], stamp),
                ("http_request_duration_seconds_count", f'{{job="{job}"}}', held[0] + held[1], stamp),
                ("process_cpu_seconds_total", f'{{job="{job}"}}', held[3], stamp),
                ("process_resident_memory_bytes", f'{{job="{job}"}}', 1e8, stamp),
            ]  # fmt: skip
    lines.sort(key=lambda one: one[0])
    told = [f"{name}{labels} {value} {stamp}" for name, labels, value, stamp in lines]
    return "\n".join([*told, "# EOF" if not in_ms else ""]) + "\n"


def estate_of(**telemetry: Telemetry) -> Estate:
    return Estate.model_validate({"org": {"name": "x"}}).model_copy(update={"telemetry": telemetry})


def way_out(peer_address: str) -> Callable[[], Egress]:
    return lambda: Egress(frozenset({peer_address}))


@pytest.fixture(params=["prometheus", "victoria-metrics"])
def holding(
    request: pytest.FixtureRequest,
) -> Peer:
    if request.param == "prometheus":
        started: Peer = request.getfixturevalue("with_history")(samples(in_ms=False))
    else:
        started = request.getfixturevalue("victoria_metrics")(samples(in_ms=True))
    return started


@pytest.mark.real
def test_a_real_place_tells_what_got_slow_and_failed_and_the_cause_is_found(holding: Peer) -> None:
    declared = Telemetry(
        prometheus=holding.url, names={"ledger": "books"},
        queries={"shop": Queries(disk="vector(7)"), "ledger": Queries(latency="no( promql")},
        every=timedelta(seconds=15),
    )  # fmt: skip
    (collector,) = of_telemetry(estate_of(prom=declared), way_out(holding.address), {})
    material = collector.collect(QUESTION, within_s=30)
    series = {(one.where, one.measure): one for one in material.series}
    assert set(series) == {("shop", Measure.DISK)} | {
        (where, measure) for where in ("shop", "ledger")
        for measure in (Measure.LATENCY, Measure.REQUESTS, Measure.AVAILABILITY, Measure.CPU, Measure.MEMORY)
    }  # fmt: skip
    slow = series["ledger", Measure.LATENCY]
    assert slow.before[-1][1] == pytest.approx(0.1, abs=0.01)
    assert slow.during[-1][1] == pytest.approx(2.0, abs=0.05)
    assert slow.usual
    assert series["ledger", Measure.AVAILABILITY].during[-1][1] == pytest.approx(90, abs=0.5)
    assert series["ledger", Measure.REQUESTS].before[-1][1] == pytest.approx(10, abs=0.2)
    assert series["shop", Measure.AVAILABILITY].during[-1][1] == pytest.approx(100)
    (note,) = material.notes  # the query that is no PromQL is told, with what the place says of it
    assert "prom refuses the question" in note
    told = diagnosis.diagnose(diagnosis.Material(
        since=NOON, series=material.series, calls=frozenset({("shop", "ledger")}),
        symptom=diagnosis.Symptom("ledger"),
    ))  # fmt: skip
    assert told.hypotheses[0].where == "ledger"


@pytest.mark.real
def test_the_step_is_widened_rather_than_refused(holding: Peer) -> None:
    async def ask() -> connectors.Found:
        egress = Egress(frozenset({holding.address}))
        declared = Telemetry(prometheus=holding.url)
        source = connectors.build("prom", declared, egress, {})
        assert source is not None
        long = connectors.Window(NOON - timedelta(days=30), NOON + timedelta(minutes=20))
        found = await source.series("process_resident_memory_bytes", long, step_s=1)
        with pytest.raises(Refused):
            await source.lines("shop", WINDOW, text="", limit=1)
        await egress.close()
        return found

    found = asyncio.run(ask())
    assert {one.labels["job"] for one in found.series} == {"shop", "books"}
    assert not found.cut


# -- Loki: not in Debian, so its documented API, answered by a few lines ------------------------------


class FakeLoki(ThreadingHTTPServer):
    """Answers `query_range` with lines by their time and selector, and remembers who asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.lines: list[tuple[float, str, str]] = []
        self.instead: tuple[int, bytes] | None = None


class _Answers(BaseHTTPRequestHandler):
    server: FakeLoki

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.asked.append(
            (self.path, asked, {k.lower(): v for k, v in self.headers.items()})
        )
        status, answer = self.server.instead or (200, json.dumps(self._found(asked)).encode())
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _found(self, asked: dict[str, str]) -> dict[str, Any]:
        if self.path.endswith("/patterns"):
            return {
                "status": "success",
                "data": [{"pattern": "paid <_>", "samples": [[1, 2], [2, 3]]}],
            }
        if "count_over_time" in asked["query"]:
            pairs = [[NOON.timestamp() + 60, "3"], [NOON.timestamp() + 120, "4"]]
            one = (
                {"metric": {}, "values": pairs}
                if "step" in asked
                else {"metric": {}, "value": pairs[1]}
            )
            return {"status": "success", "data": {"resultType": "matrix", "result": [one]}}
        first, last = int(asked["start"]) / 1e9, int(asked["end"]) / 1e9
        app = asked["query"].split('"')[1]
        values = [[str(int(at * 1e9)), line] for at, who, line in self.server.lines
                  if who == app and first <= at < last]  # fmt: skip
        streams = [{"stream": {"app": app}, "values": values[::-1][: int(asked["limit"])]}]
        return {"status": "success", "data": {"resultType": "streams", "result": streams}}

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def loki() -> Iterator[FakeLoki]:
    server = FakeLoki()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def at_loki(server: FakeLoki, **more: Any) -> Telemetry:
    return Telemetry(loki=f"http://127.0.0.1:{server.server_port}", label="app", **more)


def ask(server: FakeLoki, question: Callable[[connectors.Connector], Any], **more: Any) -> Any:
    async def asked() -> Any:
        egress = Egress(frozenset({f"127.0.0.1:{server.server_port}"}))
        source = connectors.build("loki", at_loki(server, **more), egress, {"LOKI": "s3cr3t-token"})
        assert source is not None
        try:
            return await question(source)
        finally:
            await egress.close()

    return asyncio.run(asked())


def test_lines_of_an_incident_become_evidence_for_its_cause(loki: FakeLoki) -> None:
    for minute in range(-110, 20):
        at = (NOON + timedelta(minutes=minute)).timestamp()
        loki.lines.append((at, "books", f"INFO paid order {minute + 1000}"))
        if minute >= 0:
            loki.lines.append((at + 1, "books", "ERROR cannot open account: too many open files"))
    declared = at_loki(loki, names={"ledger": "books"})
    collectors = of_telemetry(
        estate_of(loki=declared), way_out(f"127.0.0.1:{loki.server_port}"), {}
    )
    material = collectors[0].collect(QUESTION, within_s=30)
    assert {phase: len(lines) for phase, lines in material.logs.items()} == {
        Phase.USUAL: 86, Phase.BEFORE: 22, Phase.DURING: 42}  # fmt: skip
    told = diagnosis.diagnose(material)
    assert told.hypotheses[0].where == "ledger"
    assert "too many open files" in told.hypotheses[0].sentence
    assert told.hypotheses[0].cause_class is diagnosis.CauseClass.SYSTEM


def test_who_asks_is_proved_and_nothing_in_a_name_is_read_as_a_query(loki: FakeLoki) -> None:
    evil = 'x"} or {app="y'
    more = {"secret": "env:LOKI", "user": "mainstay", "tenant": "pay", "names": {"shop": evil}}
    counted = ask(loki, lambda one: one.count("shop", WINDOW, text='say "hi"\n'), **more)
    path, asked, headers = loki.asked[0]
    assert (path, counted) == ("/loki/api/v1/query", 4)
    assert headers["authorization"] == "Basic bWFpbnN0YXk6czNjcjN0LXRva2Vu"
    assert headers["x-scope-orgid"] == "pay"
    assert r'{app="x\"} or {app=\"y"} |= "say \"hi\"\n"' in asked["query"]


def test_counts_by_time_and_kinds_of_message_are_pushed_down(loki: FakeLoki) -> None:
    by_time = ask(loki, lambda one: one.histogram("shop", WINDOW, text="", step_s=60))
    assert by_time == {NOON.timestamp(): 3, NOON.timestamp() + 60: 4}
    assert ask(loki, lambda one: one.templates("shop", WINDOW)) == {"paid <_>": 5}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"boom s3cr3t-token"),
        (200, b"not json"),
        (200, b'{"status":"success","data":{"result":[{"values":[[1]]}]}}'),
        (200, b"[" * 100_000),
        (400, b'{"status":"error","error":"parse error"}'),
    ],
)
def test_whatever_it_answers_is_an_error_in_a_sentence_and_a_note(
    loki: FakeLoki, status: int, body: bytes
) -> None:
    loki.instead = status, body
    with pytest.raises(Outside) as raised:
        ask(loki, lambda one: one.lines("shop", WINDOW, text="", limit=5), secret="env:LOKI")
    assert "loki" in raised.value.sentence
    assert "s3cr3t" not in raised.value.sentence
    (collector,) = of_telemetry(
        estate_of(loki=at_loki(loki)), way_out(f"127.0.0.1:{loki.server_port}"), {}
    )
    assert collector.collect(QUESTION, within_s=30).notes


def test_a_place_that_is_not_there_or_not_allowed_is_a_note(loki: FakeLoki) -> None:
    for make in (Egress, way_out("127.0.0.1:1")):
        (collector,) = of_telemetry(estate_of(loki=at_loki(loki)), make, {})
        material = collector.collect(QUESTION, within_s=30)
        assert material.notes
        assert not any(material.logs.values())
