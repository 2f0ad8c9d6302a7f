"""Do unmodified senders of metrics, traces and syslog arrive, and does bad input harm nobody?"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from keeping_telemetry import KEY, WITHIN_S, Running
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

from mainstay import diagnosis
from mainstay.diagnosis.collectors import Question
from mainstay.diagnosis.collectors.telemetry.kept import KeptHere
from mainstay.diagnosis.material import Measure, Phase
from mainstay.logstore import Told, write_told
from mainstay.logstore.told import Exporter
from peers import StartPrometheus, free_port, wait_until

HEADERS = {"Authorization": f"Bearer {KEY}"}
RESOURCE = Resource.create({"service.name": "shop", "host.name": "h-1"})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text(KEY)
    started = Running(tmp_path / "kept", "--key", f"file:{key}")
    yield started
    started.kill()


@pytest.mark.real
def test_a_real_prometheus_writes_what_it_scrapes(
    running: Running, prometheus: StartPrometheus
) -> None:
    port = free_port()
    prometheus({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "itself", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
        "remote_write": [{"url": f"http://127.0.0.1:{running.http}/api/v1/write",
                          "authorization": {"credentials": KEY}, "queue_config": {"batch_send_deadline": "200ms"}}],
    })  # fmt: skip
    found = wait_until(
        lambda: running.series("up", "itself"), within_s=WITHIN_S, what="a sample of Prometheus"
    )
    ((labels, points),) = found.items()
    assert json.loads(labels) == {"instance": f"127.0.0.1:{port}", "job": "itself"}
    assert points[0][1] == 0.0  # nobody is there to be scraped


def test_the_sdk_of_opentelemetry_sends_metrics_and_traces(running: Running) -> None:
    to = f"http://127.0.0.1:{running.http}"
    metrics = OTLPMetricExporter(f"{to}/v1/metrics", headers=HEADERS)
    meters = MeterProvider([PeriodicExportingMetricReader(metrics)], RESOURCE)
    meter = meters.get_meter("shop")
    meter.create_counter("orders", unit="1").add(7, {"owner": "mara@example.com"})
    meter.create_histogram("http.server.request.duration", unit="s").record(0.25, {"code": 200})
    meter.create_gauge("queue.depth").set(3.5)
    assert meters.force_flush()
    traces = TracerProvider(resource=RESOURCE)
    traces.add_span_processor(
        SimpleSpanProcessor(OTLPSpanExporter(f"{to}/v1/traces", headers=HEADERS))
    )
    begin = traces.get_tracer("shop").start_as_current_span
    with begin("pay") as outer, begin("book") as inner:
        inner.set_status(Status(StatusCode.ERROR))
    meters.shutdown()
    traces.shutdown()
    assert running.series("queue_depth", "shop")
    ((labels, points),) = running.series("orders_total", "shop").items()
    assert json.loads(labels) == {"host": "h-1", "owner": "[e-mail]", "service": "shop"}
    assert points[-1][1] == 7
    (counts,) = running.series("http_server_request_duration_seconds_count", code="200").values()
    (sums,) = running.series("http_server_request_duration_seconds_sum").values()
    assert (counts[-1][1], sums[-1][1]) == (1, 0.25)
    spans = {one.name: one for one in running.spans("shop")}
    assert spans["book"].parent == spans["pay"].span == f"{outer.get_span_context().span_id:016x}"
    assert (spans["pay"].failed, spans["book"].failed) == (0, 1)
    assert spans["pay"].duration_us >= spans["book"].duration_us


def test_metrics_and_traces_as_json_are_read_the_same(running: Running) -> None:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    point = {"attributes": [{"key": "n", "value": {"intValue": "7"}}], "timeUnixNano": "0"}
    metrics = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [
        {"name": "a.b", "unit": "ms", "gauge": {"dataPoints": [
            {**point, "asDouble": 1.5}, {**point, "asInt": "x"}, {}]}},
        {"name": "done", "sum": {"isMonotonic": True, "dataPoints": [{**point, "asInt": "9"}]}},
    ]}]}]}  # fmt: skip
    span = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "name": "pay",
            "startTimeUnixNano": "1", "endTimeUnixNano": "2000001", "status": {"code": 2}}  # fmt: skip
    traces = {"resourceSpans": [{"resource": resource, "scopeSpans": [
        {"spans": [span, {**span, "spanId": "zz"}, {"name": "no ids"}]}]}]}  # fmt: skip
    assert running.post("/v1/metrics", json.dumps(metrics).encode()) == 200
    assert running.post("/v1/traces", json.dumps(traces).encode()) == 200
    (points,) = running.series("a_b_milliseconds", n="7").values()
    assert points[0][1] == 1.5
    assert list(running.series("done_total"))
    (one,) = running.spans("shop")
    assert (one.trace, one.span, one.duration_us, one.failed) == (
        span["traceId"].lower(), span["spanId"].lower(), 2_000, 1)  # fmt: skip


def test_what_is_kept_is_evidence_for_a_diagnosis(running: Running) -> None:
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    times = [since + timedelta(seconds=30 * n) for n in range(-60, 20)]
    points: dict[str, list[dict[str, object]]] = {"sum": [], "count": []}
    spent = 0.0
    for n, at in enumerate(times):
        spent += 60.0 if at >= since else 3.0
        stamp = {"timeUnixNano": str(int(at.timestamp()) * 10**9)}
        points["sum"].append({**stamp, "asDouble": spent})
        points["count"].append({**stamp, "asDouble": 30.0 * n})
        line = "ERROR pool exhausted" if at >= since else "INFO paid"
        push = {"streams": [{"stream": {"app": "shop"}, "values": [[str(int(at.timestamp()) * 10**9), line]]}]}  # fmt: skip
        assert running.post("/loki/api/v1/push", json.dumps(push).encode()) == 204
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    metrics = [{"name": f"http_request_duration_seconds_{one}", "gauge": {"dataPoints": points[one]}} for one in points]  # fmt: skip
    body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}
    assert running.post("/v1/metrics", json.dumps(body).encode()) == 200
    span = {"traceId": "ab", "spanId": "cd", "name": "pay", "startTimeUnixNano": points["sum"][-1]["timeUnixNano"],
            "endTimeUnixNano": str(int(str(points["sum"][-1]["timeUnixNano"])) + 10**9)}  # fmt: skip
    traces = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    assert running.post("/v1/traces", json.dumps(traces).encode()) == 200
    question = Question(("shop", "gone"), times[0], since, times[-1] + timedelta(seconds=1))
    material = KeptHere(running.folder).collect(question, within_s=60)
    assert material.notes == ()
    measured = {one.measure: one for one in material.series}
    assert measured[Measure.LATENCY].before[-2][1] == pytest.approx(0.1)
    assert measured[Measure.LATENCY].during[-1][1] == pytest.approx(2.0)
    assert measured[Measure.REQUESTS].before[-2][1] == pytest.approx(1.0)
    assert {phase: len(lines) for phase, lines in material.logs.items()} == {
        Phase.USUAL: 26, Phase.BEFORE: 30, Phase.DURING: 24}  # fmt: skip
    (call,) = material.traces[Phase.DURING]
    assert (call.where, call.operation, call.duration_s) == ("shop", "pay", 1.0)
    told = diagnosis.diagnose(diagnosis.Material(logs=material.logs))
    assert (told.hypotheses[0].where, told.hypotheses[0].kind) == ("shop", "pool-exhausted")
    (note,) = KeptHere(running.folder / "nowhere").collect(question, within_s=60).notes
    assert "No logs are kept" in note


class _Exporter(BaseHTTPRequestHandler):
    body: Callable[[], bytes] = staticmethod(lambda: b"")

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(type(self).body())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def exporter() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_the_estate_declares_is_scraped_and_broken_lines_are_left_out(
    tmp_path: Path, exporter: ThreadingHTTPServer
) -> None:
    page = b'# HELP x y\nshop_orders{kind="a \\"b\\"",} 4 1700000000000\n\xff\x00 broken\nnan_too NaN\n' \
           b'half{ 3\n' + b"y" * 100_000 + b" 1\nplain_one 1e3\n"  # fmt: skip
    _Exporter.body = staticmethod(lambda: page)
    place = f"127.0.0.1:{exporter.server_port}"
    told = tmp_path / "told.json"
    write_told(told, Told(exporters={
        "there": Exporter("shop", f"http://{place}/metrics", 0.5),
        "gone": Exporter("ledger", "http://127.0.0.1:9/metrics", 0.5),
    }, allow=(place,)))  # fmt: skip
    running = Running(tmp_path / "kept", "--told", str(told))
    try:
        wait_until(
            lambda: running.series("up", "ledger") and running.series("plain_one", "shop"),
            within_s=WITHIN_S, what="a scrape of each",
        )  # fmt: skip
        ((labels, points),) = running.series("shop_orders").items()
        assert json.loads(labels) == {"kind": 'a "b"', "service": "shop"}
        assert points[0][1] == 4
        assert not running.series("nan_too")
        (up,), (down,) = (
            running.series("up", "shop").values(),
            running.series("up", "ledger").values(),
        )
        assert (up[0][1], down[0][1]) == (1, 0)
        _Exporter.body = staticmethod(lambda: b"late 1\n" + b"x" * (9 << 20))
        wait_until(lambda: running.series("late"), within_s=WITHIN_S, what="an endless page, cut")
    finally:
        running.kill()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/api/v1/write", b"\xff\xff\xff\xff\x7f" + b"x" * 99, {}, 413),  # unpacks to 32 GiB
        ("/api/v1/write", b"no snappy at all", {}, 400),
        ("/api/v1/write", b"", {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}, 415),
        ("/v1/metrics", b"\x0a\xff\xff\xff\xff\x0f", {"Content-Type": "application/x-protobuf"}, 400),
        ("/v1/traces", b"[" * 100_000, {}, 400),
        ("/v1/traces", b"[]", {}, 400),
        ("/v1/traces", b"{}", {"Content-Type": "application/grpc"}, 400),
        ("/v1/metrics", gzip.compress(bytes(40 << 20)), {"Content-Encoding": "gzip"}, 413),
    ],
)  # fmt: skip
def test_what_is_broken_is_refused_and_the_next_is_taken(
    running: Running, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert running.post(path, body, **headers) == status
    assert running.post("/v1/metrics", b"{}") == 200


# -- syslog -----------------------------------------------------------------------------------------


def rsyslog(folder: Path, action: str) -> subprocess.Popen[bytes]:
    """A private rsyslogd: it reads a socket of its own and forwards by `action`, as nobody's daemon."""
    config = folder / "rsyslog.conf"
    config.write_text(f"""
global(workDirectory="{folder}" defaultNetstreamDriverCAFile="{folder / "ca.pem"}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder / "log.sock"}" CreatePath="on")
action({action})
""")
    return subprocess.Popen(
        ["rsyslogd", "-n", "-f", str(config), "-i", str(folder / "rsyslog.pid")],
        stdout=subprocess.DEVNULL, stderr=(folder / "rsyslog.log").open("wb"),
    )  # fmt: skip


FORWARD = 'type="omfwd" target="127.0.0.1" port="{port}" '
TRANSPORTS = {
    "udp": FORWARD + 'protocol="udp" template="RSYSLOG_SyslogProtocol23Format"',
    "udp 3164": FORWARD + 'protocol="udp" template="RSYSLOG_TraditionalForwardFormat"',
    "tcp": FORWARD + 'protocol="tcp" template="RSYSLOG_SyslogProtocol23Format"',
    "tcp counted": FORWARD + 'protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"',
    "tls": FORWARD + 'protocol="tcp" template="RSYSLOG_SyslogProtocol23Format" StreamDriver="gtls" '
           'StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="127.0.0.1"',
}  # fmt: skip


@pytest.mark.real
@pytest.mark.skipif(shutil.which("rsyslogd") is None, reason="rsyslogd is not here")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_real_rsyslog_forwards(tmp_path: Path, transport: str) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("127.0.0.1", common_name="127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for part in issued.cert_chain_pems:
        part.write_to_path(tmp_path / "cert.pem", append=True)
    tls = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    running = Running(
        tmp_path / "kept", *(tls if transport == "tls" else ()), is_tls=transport == "tls"
    )
    sender = rsyslog(tmp_path, TRANSPORTS[transport].format(port=running.syslog))
    try:

        def heard() -> bool:
            words = ["logger", "-u", str(tmp_path / "log.sock"), "-t", "shop", "-p", "user.err"]
            subprocess.run(
                [*words, "marked no connection to ledger-2"], timeout=30, capture_output=True
            )
            return bool(running.found("marked no connection"))

        wait_until(heard, within_s=WITHIN_S, what="rsyslog's message is kept")
        one = running.found("marked no connection")[0]
        assert (one.rank, one.service) == (4, "shop")
        assert one.body == "marked no connection to ledger-2"
        assert one.host
    finally:
        sender.terminate()
        sender.wait(timeout=30)
        running.kill()
