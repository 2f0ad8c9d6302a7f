"""Does any object that somebody typed, or any file that is broken, stop a diagnosis?"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mainstay.diagnosis import Ask, Material, diagnose, read
from mainstay.diagnosis.folder.objects import Parts, observe
from mainstay.diagnosis.folder.tables import seconds
from mainstay.foundation.errors import MainstayError

OBJECTS = yaml.safe_load("""
kind: List
items:
- kind: Deployment
  metadata: {name: cart, namespace: shop}
  spec:
    replicas: 1
    template:
      metadata: {labels: {app: cart}, annotations: {a: 'port 8080'}}
      spec:
        nodeSelector: {disk: ssd}
        dnsPolicy: None
        dnsConfig: {nameservers: [10.0.0.1]}
        affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution:
          {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [tape]}]}]}}}
        volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]
        containers:
        - name: server
          ports: [{containerPort: 8080, name: http, protocol: TCP}]
          env: [{name: PAY_ADDR, value: 'pay:80'}]
          envFrom: [{secretRef: {name: db}}]
          livenessProbe: {httpGet: {port: 8081}, periodSeconds: 1}
          readinessProbe: {grpc: {port: http}}
          volumeMounts: [{name: v, readOnly: true}]
- {kind: Secret, metadata: {name: db}, data: {X_MYSQL_HOST: bXlzcWw=, X_MYSQL_PORT: MzMwNw==}}
- kind: ConfigMap
  metadata: {name: cm}
  data: {a.yml: "- id: a\\n  uri: lb://x\\n  predicates:\\n  - Path=/payservice/**"}
- kind: Service
  metadata: {name: cart}
  spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8081, protocol: UDP}]}
- kind: PersistentVolumeClaim
  metadata: {name: data}
  spec: {selector: {matchLabels: {a: b}}, storageClassName: fast}
- kind: Node
  metadata: {name: n1, labels: {disk: ssd}}
  spec: {unschedulable: true, taints: [{key: a, effect: NoSchedule}]}
  status: {conditions: [{type: Ready, status: 'True'}]}
- {kind: ResourceQuota, metadata: {name: q}, status: {hard: {services: 1}, used: {services: 1}}}
- kind: Pod
  metadata: {name: cart-79b49f5555-h95zb, labels: {app: cart}}
  status:
    phase: Pending
    containerStatuses: [{ready: false, restartCount: 3,
      state: {waiting: {reason: CrashLoopBackOff}},
      lastState: {terminated: {reason: Error, exitCode: 1}}}]
- kind: Event
  metadata: {name: e1}
  involvedObject: {kind: Pod, name: cart-79b49f5555-h95zb}
  type: Warning
  reason: Unhealthy
  message: Liveness probe failed
""")
JUNK: tuple[Any, ...] = (None, [], {}, "", -1, True, 3.5, [None], {"k": {"l": []}})


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if not isinstance(value, dict | list):
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*at, key)
        yield from places(inner, (*at, key))


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_at_any_place_of_an_object_stops_nothing(junk: Any) -> None:
    for place in places(OBJECTS):
        broken = copy.deepcopy(OBJECTS)
        inner = broken
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = junk
        parts = Parts()
        observe(broken, parts)
        parts.logs["cart"] = ("Port 8080 is already in use", "Connection refused")
        diagnose(Material(cluster=parts.whole()))


FILES = {
    "alert.json": {"service": "pay", "fired_at": "2026-11-24T10:00:00Z"},
    "commits.json": [{"sha": "a", "message": "m", "timestamp": "2026-11-24T09:00:00Z",
                      "files_changed": ["a.go"], "diff": "-timeout: 5s\n+timeout: 1s"}],
    "deploys.json": [{"commit_sha": "a", "service": "pay", "timestamp": "2026-11-24T09:30:00Z"}],
    "patterns.json": [{"signature": "timeout", "service": "pay", "count": 3,
                       "delta_vs_baseline": "+3", "sentiment": "negative"}],
    "traces.json": [{"trace_id": "a", "span_id": "b", "service": "pay", "name": "x",
                     "start": "2026-11-24T09:30:00Z", "duration_ms": 3}],
    "answers.json": {'GetResources:{"resource_type":"pods","name":""}': "NAME READY\na-1 0/1"},
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_junk_at_any_place_of_a_file_stops_nothing(name: str, tmp_path: Path) -> None:
    for file, whole in FILES.items():
        (tmp_path / file).write_text(json.dumps(whole), encoding="utf-8")
    for place in places(FILES[name]):
        for junk in (None, [], {}, 1e300, "x"):
            broken = copy.deepcopy(FILES[name])
            inner: Any = broken
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = junk
            (tmp_path / name).write_text(json.dumps(broken), encoding="utf-8")
            diagnose(read(tmp_path, Ask()))


@given(st.binary(max_size=400))
def test_any_bytes_as_any_kind_of_file_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("sent")
    for suffix in ("csv", "json", "yaml", "log", "ndjson"):
        (folder / f"a.{suffix}").write_bytes(content)
    with suppress(MainstayError):
        diagnose(read(folder, Ask()))


@given(st.text(max_size=30) | st.floats().map(str))
def test_a_time_is_one_that_a_calendar_has(cell: str) -> None:
    found = seconds(cell)
    assert found is None or -7e10 < found < 2.6e11
