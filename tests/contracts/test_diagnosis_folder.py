"""Does `mainstay diagnose` make sense of a folder that somebody sent, broken files among it?"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from mainstay.cli import program, run

POD = """NAME                       READY   STATUS             RESTARTS      AGE
cart-79b49f5555-h95zb      0/1     CrashLoopBackOff   4 (9s ago)    93s
pay-79b49f5555-h95zz       1/1     Running            0             93s
"""
DESCRIBED = """Name:             cart-79b49f5555-h95zb
Labels:           app=cart
                  pod-template-hash=79b49f5555
Node:             worker-1/10.0.0.1
Containers:
  server:
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
Events:
  Type     Reason     Age   From      Message
  ----     ------     ----  ----      -------
  Warning  Unhealthy  1s    kubelet   Liveness probe failed: refused
"""


def told(*words: object) -> tuple[int, str]:
    """Exit code, and what stands on the terminal."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out):
        code = run(program(), ["diagnose", *map(str, words)], errors=errors)
    return code, out.getvalue() + errors.getvalue()


def diagnosed(*words: object) -> dict[str, Any]:
    code, output = told(*words, "--json")
    assert code == 0, output
    answer: dict[str, Any] = json.loads(output)
    return answer


def first(*words: object) -> tuple[str, str]:
    one = diagnosed(*words)["hypotheses"][0]
    return one["where"], one["kind"]


def write(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def levels(was: float, now: float, count: int = 30) -> list[str]:
    quiet = [was * (1 + 0.01 * (index % 3 - 1)) for index in range(count)]
    return [str(value) for value in [*quiet, *[now] * count]]


def columns(heads: Sequence[str], series: Sequence[Sequence[str]]) -> list[str]:
    rows = zip(*series, strict=True)
    return [",".join(["time", *heads]),
            *(",".join([str(1_700_000_000 + at), *row]) for at, row in enumerate(rows))]  # fmt: skip


def test_metrics_in_columns_are_cut_at_the_time_that_is_given_or_where_they_changed(
    tmp_path: Path,
) -> None:
    rows = columns(["cart_cpu", "pay_cpu"], [levels(2, 90), levels(3, 3)])
    file = write(tmp_path / "metrics.csv", *rows)
    assert first(file, "--at", "1700000030") == ("cart", "cpu-growth")
    found = diagnosed(file)["hypotheses"][0]
    assert (found["where"], found["since"]) == ("cart", "2023-11-14T22:13:50Z")


def test_a_good_and_a_bad_folder_tell_the_times_apart(tmp_path: Path) -> None:
    rows = columns(["cart_mem", "pay_mem"], [levels(2e8, 6e8), levels(3e8, 3e8)])
    write(tmp_path / "good" / "m.csv", *rows[:31])
    write(tmp_path / "bad" / "m.csv", rows[0], *rows[31:])
    assert first(tmp_path) == ("cart", "memory-growth")


def test_one_value_a_row_and_one_thing_a_row_are_read_too(tmp_path: Path) -> None:
    long = ["timestamp,service,metric,value"]
    wide = ["Time,TimeStamp,PodName,CpuUsageRate(%)"]
    for at, (cart, pay) in enumerate(zip(levels(2, 90), levels(3, 3), strict=True)):
        when = 1_700_000_000 + at
        long += [f"{when},cart,cpu,{cart}", f"{when},pay,cpu,{pay}"]
        wide += [f"x,{when},cart-79b49f5555-h95zb,{cart}", f"x,{when},pay-79b49f5555-h95zb,{pay}"]
    for name, rows in (("long", long), ("wide", wide)):
        file = write(tmp_path / f"{name}.csv", *rows)
        assert first(file, "--at", "1700000030") == ("cart", "cpu-growth")


def test_calls_say_who_waits_for_whom(tmp_path: Path) -> None:
    heads = ["shop", "pay"]
    write(tmp_path / "m.csv", ",".join(["microservice", *heads]), "metric,latency,latency",
          "statistic,Average,Average",
          *(f"{1_700_000_000 + 60 * at},{shop},{pay}" for at, (shop, pay) in enumerate(
              zip(levels(0.5, 0.9), levels(0.1, 0.5), strict=True))))  # fmt: skip
    calls = write(tmp_path / "calls.csv", ",shop,pay", "shop,0,1", "pay,0,0")
    asked = [tmp_path / "m.csv", "--at", "1700001800", "--symptom", "shop,latency"]
    assert first(*asked, "--calls", calls) == ("pay", "slow-itself")


def recording(tmp_path: Path, **answers: Any) -> Path:
    keyed = {
        'GetResources:{"resource_type":"pods","name":"","namespace":"shop"}': POD,
        'DescribeResource:{"resource_type":"pods","name":"cart-79b49f5555-h95zb",'
        '"namespace":"shop"}': DESCRIBED,
        **answers,
    }
    return write(tmp_path / "answers.json", json.dumps(keyed))


def test_recorded_answers_of_kubectl_are_read_back_into_facts(tmp_path: Path) -> None:
    assert first(recording(tmp_path)) == ("cart", "oom-killed")


def test_recorded_alerts_units_and_calls_are_read(tmp_path: Path) -> None:
    late = {"alerts": [{"type": "Service", "name": name, "evidence": [
        f"LATENCY_DEGRADATION | p50latency: Normal=9.0ms -> Current={now}.0ms"]}
        for name, now in (("shop", 900), ("pay", 800))]}  # fmt: skip
    tree = "[Service]: shop\n[Downstream (Calls)]:\nshop\n└── pay"
    file = write(tmp_path / "a.json", json.dumps({
        "GetAlerts:{}": late, 'GetServiceDependencies:{"service_name":"shop"}': tree}))  # fmt: skip
    assert first(file) == ("pay", "pod-network-delay")
    dead = {'CheckNodeServiceStatus:{"node_name":"w","service_name":"kubelet"}':
            "Active: inactive (dead) since"}  # fmt: skip
    assert first(write(tmp_path / "b.json", json.dumps(dead))) == ("node/w", "kubelet-unavailable")


OBJECTS = """
apiVersion: v1
kind: List
items:
- kind: Deployment
  metadata: {name: cart, namespace: shop}
  spec:
    template:
      metadata: {labels: {app: cart}}
      spec:
        containers: [{name: server, ports: [{containerPort: 8080}]}]
- kind: Service
  metadata: {name: cart}
  spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8081}]}
- kind: Pod
  metadata: {name: cart-79b49f5555-h95zb, labels: {app: cart}}
  status: {phase: Running, containerStatuses: [{ready: true, restartCount: 0}]}
- kind: Event
  metadata: {name: e1}
  involvedObject: {kind: Pod, name: cart-79b49f5555-h95zb}
  type: Warning
  reason: Unhealthy
  message: Readiness probe failed
"""


def test_objects_as_yaml_are_read_with_their_state(tmp_path: Path) -> None:
    assert first(write(tmp_path / "all.yaml", OBJECTS)) == (
        "cart", "service-port-mapping-mismatch",
    )  # fmt: skip


LOG = (
    *(f"2026-03-01T09:{minute}:00Z INFO shop.pay: order {minute} paid" for minute in range(10, 50)),
    *(f"2026-03-01T10:{minute}:00Z ERROR shop.db: no connection to ledger-2: timed out"
      for minute in range(10, 30)),
)  # fmt: skip


def test_a_log_file_alone_says_what_is_new_and_of_which_kind(tmp_path: Path) -> None:
    found = diagnosed(write(tmp_path / "shop.log", *LOG), "--at", "2026-03-01T10:00:00Z")
    one = found["hypotheses"][0]
    assert (one["where"], one["kind"], one["class"]) == ("shop.db", "new-errors", "network")
    assert "no connection to ledger" in one["sentence"]


def test_errors_that_come_all_day_are_no_news(tmp_path: Path) -> None:
    every = [line.replace("INFO shop.pay: order", "ERROR shop.x: retry") for line in LOG[:40]]
    log = write(tmp_path / "shop.log", *every, *(one.replace("T09", "T10") for one in every))
    assert not diagnosed(log, "--at", "2026-03-01T10:00:00Z")["found"]


def test_broken_files_are_told_of_and_the_rest_is_used(tmp_path: Path) -> None:
    write(tmp_path / "all.yaml", OBJECTS)
    write(tmp_path / "broken.yaml", "a: [1, 2", "b: }")
    write(tmp_path / "broken.json", '{"kind": ')
    write(tmp_path / "deep.json", "[" * 100_000)
    (tmp_path / "holes.csv").write_bytes(b"time,cart_cpu\n1,2\n\x00\xff,3\n2,NaN\n3\n")
    (tmp_path / "empty.csv").touch()
    found = diagnosed(tmp_path)
    assert found["hypotheses"][0]["kind"] == "service-port-mapping-mismatch"
    told = " ".join(found["notes"])
    for name in ("broken.yaml", "broken.json", "deep.json", "holes.csv", "empty.csv"):
        assert name in told, found["notes"]


def test_nothing_to_read_and_no_folder_are_refused_in_a_sentence(tmp_path: Path) -> None:
    write(tmp_path / "notes.md", "hello")
    for place, said in ((tmp_path, "could be read"), (tmp_path / "gone", "There is no")):
        code, output = told(place)
        assert code == 2
        assert said in output


def test_the_report_reads_well_and_as_html_what_a_log_says_stays_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\x1b[31m"
    write(tmp_path / "m.csv", *columns([f"{evil}_cpu"], [levels(2, 90)]))
    page = tmp_path / "report.html"
    code, output = told(tmp_path, "--at", "1700000030", "--html", page)
    assert code == 0, output
    assert "\x1b" not in output
    assert "Likely: " in output
    assert "[system failure]" in output
    written = page.read_text(encoding="utf-8")
    assert "<script>" not in written
    assert "&lt;script&gt;" in written


@pytest.mark.parametrize("text", ["yesterday-ish", "99999999999999999999"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "m.csv", *columns(["a_cpu"], [levels(1, 9)]))
    code, output = told(file, "--at", text)
    assert code == 2
    assert "not a time" in output


# -- a must-gather, and what kubectl printed -------------------------------------------------------

EVENTS = """LAST SEEN   TYPE      REASON         OBJECT                           MESSAGE
3m          Normal    Pulled         pod/cart-79b49f5555-h95zb        Container image is there
2m          Warning   Failed         pod/pay-79b49f5555-h95zz         Error: secret "pay-db" not found
"""
PODS = """NAMESPACE   NAME                       READY   STATUS                       RESTARTS   AGE
shop        pay-79b49f5555-h95zz       0/1     CreateContainerConfigError   0          9m
shop        cart-79b49f5555-h95zb      1/1     Running                      0          9m
"""
NODE = """Name:               worker-1
Roles:              worker
Labels:             disk=ssd
Taints:             maintenance=true:NoSchedule
Unschedulable:      false
Conditions:
  Type             Status  LastHeartbeatTime   Reason
  ----             ------  -----------------   ------
  MemoryPressure   False   now                 KubeletHasSufficientMemory
  DiskPressure     True    now                 KubeletHasDiskPressure
  Ready            False   now                 KubeletNotReady
Addresses:
  InternalIP:  10.0.0.1
Capacity:
  cpu:  2
"""


def test_tables_of_events_and_pods_in_text_files_are_read(tmp_path: Path) -> None:
    write(tmp_path / "events.txt", EVENTS)
    write(tmp_path / "pods", PODS)
    assert first(tmp_path) == ("pay", "missing-secret-binding")


def test_described_pods_and_nodes_in_text_files_are_read(tmp_path: Path) -> None:
    well = DESCRIBED.replace("cart", "pay").replace("OOMKilled", "Completed").replace("137", "0")
    write(tmp_path / "describe-pods.txt", well, DESCRIBED)
    write(tmp_path / "node.log", NODE)
    found = [(one["where"], one["kind"]) for one in diagnosed(tmp_path)["hypotheses"]]
    assert ("cart", "oom-killed") in found
    assert not any(where == "pay" and kind == "oom-killed" for where, kind in found)
    assert any(where == "node/worker-1" for where, _ in found), found


def test_a_must_gather_is_read_in_its_own_layout(tmp_path: Path) -> None:
    root = tmp_path / "must-gather" / "quay-io-sha256"
    for kind, text in (("pods", OBJECTS.partition("- kind: Pod")[2]),):
        write(root / "namespaces/shop/core" / f"{kind}.yaml", "apiVersion: v1", "kind: PodList", "items:",
              "- kind: Pod" + text.partition("- kind: Event")[0].replace("ready: true", "ready: false")
              .replace("restartCount: 0", "restartCount: 4"))  # fmt: skip
    for part in OBJECTS.split("- ")[1:2]:
        write(
            root / "namespaces/shop/apps/deployments.yaml",
            "kind: DeploymentList",
            "items:",
            "- " + part,
        )
    pod = root / "namespaces/shop/pods/cart-79b49f5555-h95zb/server/server/logs"
    write(pod / "current.log", "2026-03-01T10:00:00.120Z INFO begins",
          "2026-03-01T10:00:01.120Z ERROR password authentication failed for user cart")  # fmt: skip
    write(root / "cluster-scoped-resources/core/nodes/worker-1.yaml", "kind: Node",
          "metadata: {name: worker-1}", "status: {conditions: [{type: Ready, status: 'True'}]}")  # fmt: skip
    write(root / "version", "v4.15")
    assert first(root) == ("cart", "database-invalid-credentials")


def test_a_log_that_only_looks_like_a_table_stays_a_log(tmp_path: Path) -> None:
    log = write(tmp_path / "shop.txt", "2026-03-01T09:00:00Z INFO NAME READY STATUS", *LOG)
    found = diagnosed(log, "--at", "2026-03-01T10:00:00Z")
    assert found["hypotheses"][0]["kind"] == "new-errors"
