"""Does each check of Kubernetes objects find its misconfiguration, and leave a sound cluster alone?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mainstay.diagnosis import CauseClass, Hypothesis, Material, diagnose
from mainstay.diagnosis.kubernetes.cluster import (
    Alert,
    Cluster,
    Event,
    FailingRequest,
    Node,
    Pod,
    Quota,
)

WORKER = Node("worker-1", True, True, {"disk": "ssd"})
MASTER = Node("master", True, False, {"kubernetes.io/role": "master"})
SOUND_PROBE = {"httpGet": {"port": 8080}, "initialDelaySeconds": 60}


def deployment(name: str, container: Mapping[str, Any] = {}, **spec: Any) -> dict[str, Any]:
    """A deployment that listens on 8080, with what the test adds to its container and pod."""
    server = {"name": "server", "ports": [{"containerPort": 8080}], **container}
    return {
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": spec.pop("replicas", 1),
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": spec.pop("notes", {})},
                "spec": {"containers": [server], **spec},
            },
        },
    }


def service(name: str, port: Mapping[str, Any] = {}, app: str = "") -> dict[str, Any]:
    """A service for the pods of `app`, 80 to 8080."""
    return {
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": app or name},
                 "ports": [{"port": 80, "targetPort": 8080, **port}]},
    }  # fmt: skip


def cluster(*objects: Mapping[str, Any], **parts: Any) -> Cluster:
    """A sound cluster with those objects: one ready pod for each workload that has none."""
    manifests = {(f"{one['kind'].lower()}s", one["metadata"]["name"]): one for one in objects}
    pods = list(parts.pop("pods", ()))
    with_pods = {pod.workload for pod in pods}
    pods += [
        Pod(f"{name}-79b49f5555-h95zb", "Running", True, 0, "worker-1", labels={"app": name})
        for kind, name in manifests
        if kind == "deployments" and name not in with_pods
    ]
    nodes = parts.pop("nodes", (WORKER, MASTER))
    return Cluster("shop", manifests, pods=tuple(pods), nodes=nodes, **parts)


def ill(name: str, state: str = "CrashLoopBackOff", **more: Any) -> Pod:
    """A pod that does not do its work, restarted if it crashes."""
    return Pod(f"{name}-79b49f5555-h95zb", state, False, 3 if "Crash" in state else 0,
               labels={"app": name}, **more)  # fmt: skip


def warning(name: str, reason: str, message: str, kind: str = "pods") -> Event:
    object_name = f"{name}-79b49f5555" + ("-h95zb" if kind == "pods" else "")
    return Event(kind, object_name, reason, message, True)


def causes(of: Cluster) -> list[tuple[str, str]]:
    return [(one.where, one.kind) for one in diagnose(Material(cluster=of)).hypotheses]


def first(of: Cluster) -> Hypothesis:
    return diagnose(Material(cluster=of)).hypotheses[0]


def test_a_sound_cluster_has_no_cause() -> None:
    sound = cluster(
        deployment("cart", {"livenessProbe": SOUND_PROBE, "readinessProbe": SOUND_PROBE,
                            "env": [{"name": "PAY_ADDR", "value": "pay:80"}]}),
        deployment("pay"), service("cart"), service("pay"),
        events=(warning("cart", "Unhealthy", "Readiness probe failed: connection refused"),),
        units={("worker-1", "kubelet"): "active (running)"},
    )  # fmt: skip
    assert causes(sound) == []


# -- admission -------------------------------------------------------------------------------------

NO_ACCOUNT = 'Error creating: pods "cart-79b" is forbidden: serviceaccount "cart" not found'


def test_a_missing_service_account_is_named() -> None:
    refused = warning("cart", "FailedCreate", NO_ACCOUNT, "replicasets")
    of = cluster(deployment("cart"), pods=(ill("cart"),), events=(refused,),
                 names={"serviceaccounts": frozenset({"default"})})  # fmt: skip
    assert ("cart", "missing-service-account") in causes(of)
    assert "service account cart does not exist" in first(of).sentence


def test_a_service_account_that_came_a_moment_late_is_no_cause() -> None:
    refused = warning("cart", "FailedCreate", NO_ACCOUNT, "replicasets")
    names = {"serviceaccounts": frozenset({"cart"})}
    assert causes(cluster(deployment("cart"), events=(refused,), names=names)) == []
    assert causes(cluster(deployment("cart"), events=(refused,))) == [], "its pod runs"


@pytest.mark.parametrize(
    ("requested", "kind"),
    [("requests.memory=300Mi", "namespace-memory-quota-exceeded"),
     ("requests.cpu=1", "namespace-cpu-quota-exceeded"),
     ("pods=1", "namespace-pod-quota-exceeded")],
)  # fmt: skip
def test_a_full_quota_is_a_matter_of_the_namespace(requested: str, kind: str) -> None:
    said = f"pods is forbidden: exceeded quota: q, requested: {requested}, used: 3, limited: 3"
    of = cluster(events=(warning("cart", "FailedCreate", said, "replicasets"),))
    assert causes(of) == [("namespace/shop", kind)]


def test_a_quota_of_services_is_full_and_a_declared_service_is_missing() -> None:
    quota = Quota("count", {"services": "1"}, {"services": "1"})
    missing = cluster(deployment("pay"), service("pay"), quotas=(quota,),
                      names={"services": frozenset({"cart"})})  # fmt: skip
    assert causes(missing) == [("namespace/shop", "namespace-service-quota-exceeded")]
    there = cluster(deployment("pay"), service("pay"), quotas=(quota,),
                    names={"services": frozenset({"pay"})})  # fmt: skip
    assert causes(there) == []


# -- scheduling ------------------------------------------------------------------------------------


def pending(words: str, workload: Mapping[str, Any], **parts: Any) -> Cluster:
    said = f"0/2 nodes are available: {words}. preemption: 0/2 nodes are available: 2 No."
    name = workload["metadata"]["name"]
    return cluster(workload, pods=(ill(name, "Pending"),),
                   events=(warning(name, "FailedScheduling", said),), **parts)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "kind"),
    [("1 Insufficient cpu, 1 node(s) were unschedulable", "cpu-capacity-mismatch"),
     ("1 node(s) were unschedulable, 1 Insufficient memory", "memory-capacity-mismatch"),
     ("1 node(s) had untolerated taint {gpu: only}, 1 node(s) were unschedulable",
      "taint-toleration-mismatch"),
     ("1 node(s) didn't match pod anti-affinity rules, 1 node(s) were unschedulable",
      "pod-anti-affinity-conflict"),
     ("2 node(s) didn't match pod affinity rules", "pod-affinity-mismatch")],
)  # fmt: skip
def test_the_scheduler_says_why_a_pod_waits(words: str, kind: str) -> None:
    assert causes(pending(words, deployment("cart"))) == [("cart", kind)]


NO_MATCH = "1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable"


def test_a_selector_that_no_node_meets_is_told_from_one_that_a_cordoned_node_meets() -> None:
    nowhere = deployment("cart", nodeSelector={"disk": "tape"})
    assert causes(pending(NO_MATCH, nowhere)) == [("cart", "node-selector-mismatch")]
    cordoned = (Node("worker-1", True, False, {"disk": "ssd"}), Node("worker-2", True, True))
    there = deployment("cart", nodeSelector={"disk": "ssd"})
    assert causes(pending(NO_MATCH, there, nodes=cordoned)) == [("cart", "node-cordon-mismatch")]


def test_a_selector_that_only_a_tainted_node_meets_is_a_matter_of_the_taint() -> None:
    tainted = (Node("worker-1", True, True, {"disk": "ssd"}, ("ill=yes:NoSchedule",)),)
    there = deployment("cart", nodeSelector={"disk": "ssd"})
    assert causes(pending(NO_MATCH, there, nodes=tainted)) == [
        ("cart", "taint-toleration-mismatch")
    ]


def test_an_affinity_that_no_node_meets_is_named() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["tape"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    workload = deployment("cart", affinity={"nodeAffinity": required})
    assert causes(pending(NO_MATCH, workload)) == [("cart", "node-affinity-mismatch")]


def test_all_nodes_cordoned_is_a_cause_and_the_master_alone_is_none() -> None:
    words = "2 node(s) were unschedulable"
    cordoned = (Node("worker-1", True, False), MASTER)
    assert causes(pending(words, deployment("cart"), nodes=cordoned)) == [
        ("cart", "node-cordon-mismatch")
    ]
    assert causes(pending("1 node(s) were unschedulable", deployment("cart"))) == []


def claim(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}


UNBOUND = "pod has unbound immediate PersistentVolumeClaims"


@pytest.mark.parametrize(
    ("spec", "volumes", "kind"),
    [({}, {"pv-1": "shop/other"}, "pv-binding-occupied"),
     ({"selector": {"matchLabels": {"tier": "gold"}}}, {"pv-1": ""}, "pvc-selector-mismatch"),
     ({"storageClassName": "fast"}, {"pv-1": ""}, "pvc-storage-class-mismatch"),
     ({}, {"pv-1": ""}, "pvc-unmet")],
)  # fmt: skip
def test_a_volume_that_does_not_come_is_explained(
    spec: Mapping[str, Any], volumes: Mapping[str, str], kind: str
) -> None:
    workload = deployment("db", volumes=[{"persistentVolumeClaim": {"claimName": "data"}}])
    event = warning("db", "FailedScheduling", f"0/2 nodes are available: {UNBOUND}.")
    of = cluster(workload, claim(spec), pods=(ill("db", "Pending"),), events=(event,),
                 volumes=volumes, names={"storageclasses": frozenset({"slow"})})  # fmt: skip
    assert causes(of) == [("db", kind)]


# -- start -----------------------------------------------------------------------------------------


def not_started(message: str, reason: str = "Failed") -> Cluster:
    return cluster(deployment("cart"), pods=(ill("cart", "ErrImagePull"),),
                   events=(warning("cart", reason, message),))  # fmt: skip


@pytest.mark.parametrize(
    ("why", "kind"),
    [("dial tcp: lookup corp on 10.0.0.10:53: no such host", "image-registry-dns-failure"),
     ("cart:v9x: not found", "incorrect-image-reference"),
     ("failed to authorize: 403 Forbidden", "missing-image-pull-secret"),
     ("dial tcp 10.1.1.1:443: i/o timeout", "image-registry-unreachable")],
)  # fmt: skip
def test_an_image_that_cannot_be_pulled_says_why(why: str, kind: str) -> None:
    message = f'Failed to pull image "corp/cart:v9": rpc error: {why}'
    assert causes(not_started(message)) == [("cart", kind)]


@pytest.mark.parametrize(
    ("message", "kind"),
    [('Error: secret "cart-db" not found', "missing-secret-binding"),
     ('Error: configmap "cart-env" not found', "missing-config-map"),
     ("Error: couldn't find key PASS in Secret shop/cart-db", "missing-secret-key"),
     ("Error: couldn't find key MODE in ConfigMap shop/cart-env", "missing-config-key")],
)  # fmt: skip
def test_what_a_container_refers_to_is_missing(message: str, kind: str) -> None:
    assert causes(not_started(message)) == [("cart", kind)]


def test_a_warning_about_a_pod_that_is_well_again_is_no_cause() -> None:
    of = cluster(deployment("cart"),
                 events=(warning("cart", "Failed", 'Error: secret "cart-db" not found'),))  # fmt: skip
    assert causes(of) == []


def test_memory_that_ran_out_is_read_from_the_state_or_from_the_sandbox() -> None:
    killed = ill("cart", last_reason="OOMKilled", exit_code=137)
    assert causes(cluster(deployment("cart"), pods=(killed,)))[0] == ("cart", "oom-killed")
    sandbox = not_started("container init was OOM-killed (memory limit too low?)", "Sandbox")
    assert causes(sandbox) == [("cart", "oom-killed")]


def test_a_mount_that_cannot_be_written_shows_in_the_log() -> None:
    workload = deployment("db", volumes=[{"persistentVolumeClaim": {"claimName": "data"}}])
    of = cluster(workload, pods=(ill("db", exit_code=1),),
                 logs={"db": ("open /data/x: Permission denied",)})  # fmt: skip
    assert causes(of) == [("db", "volume-mount-permission-denied")]
    assert causes(cluster(deployment("db"), pods=(ill("db", exit_code=1),),
                          logs={"db": ("open /data/x: Permission denied",)})) == []  # fmt: skip


# -- probes ----------------------------------------------------------------------------------------


def probed(message: str, **probes: Mapping[str, Any]) -> Cluster:
    return cluster(deployment("cart", probes), pods=(ill("cart"),),
                   events=(warning("cart", "Unhealthy", message),))  # fmt: skip


def test_a_probe_of_another_port_than_the_program_listens_on() -> None:
    wrong = {"grpc": {"port": 8081}, "initialDelaySeconds": 60}
    of = probed("Liveness probe failed: connection refused", livenessProbe=wrong)
    assert causes(of) == [("cart", "liveness-probe-incorrect-port")]
    assert "asks port 8081; the program listens on 8080" in first(of).sentence


def test_a_probe_that_speaks_another_protocol() -> None:
    of = probed("Readiness probe failed: malformed HTTP status code", readinessProbe=SOUND_PROBE)
    assert causes(of) == [("cart", "readiness-probe-incorrect-protocol")]


def test_a_probe_that_gives_up_too_soon() -> None:
    hasty = {"httpGet": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    of = probed("Liveness probe failed: connection refused", livenessProbe=hasty,
                readinessProbe=SOUND_PROBE)  # fmt: skip
    assert causes(of) == [("cart", "liveness-probe-incorrect-timing")]
    patient = probed("Liveness probe failed: connection refused", livenessProbe=SOUND_PROBE)
    assert causes(patient) == []


# -- routing ---------------------------------------------------------------------------------------


def test_a_service_that_selects_nobody() -> None:
    of = cluster(deployment("cart"), service("cart", app="carts"))
    assert causes(of) == [("cart", "service-selector-mismatch")]


def test_a_service_that_sends_to_a_port_or_protocol_nobody_listens_on() -> None:
    wrong_port = cluster(deployment("cart"), service("cart", {"targetPort": 8081}))
    assert causes(wrong_port) == [("cart", "service-port-mapping-mismatch")]
    wrong_protocol = cluster(deployment("cart"), service("cart", {"protocol": "UDP"}))
    assert causes(wrong_protocol) == [("cart", "service-protocol-mismatch")]


def addressed(variable: str, value: str, **parts: Any) -> Cluster:
    return cluster(deployment("cart", {"env": [{"name": variable, "value": value}]}),
                   deployment("pay"), service("pay"), **parts)  # fmt: skip


def test_an_address_of_a_service_or_port_that_does_not_exist() -> None:
    kind = [("cart", "service-env-var-address-mismatch")]
    assert causes(addressed("X", "pay:81")) == kind
    assert causes(addressed("PAY_SERVICE_ADDR", "pay-invalid:80")) == kind
    assert causes(addressed("X", "pays:80", logs={"cart": ("lookup pays: no such host",)})) == kind


def test_a_variable_that_points_nowhere_and_hurts_nobody_is_no_cause() -> None:
    assert causes(addressed("ASSISTANT_ADDR", "assistantservice:80")) == []
    assert causes(addressed("PAY_ADDR", "pay:80")) == []


def gateway(target: str) -> dict[str, Any]:
    text = f"""
        routes:
          - id: pay
            uri: lb://${{PAY_HOST:{target}}}
            predicates:
              - Path=/api/v1/payservice/**
    """
    return {"kind": "ConfigMap", "metadata": {"name": "gateway"}, "data": {"app.yml": text}}


def test_a_gateway_that_sends_a_path_to_another_service() -> None:
    services = (service("pay-service"), service("cart-service"))
    workloads = (deployment("pay-service"), deployment("cart-service"))
    of = cluster(gateway("cart-service"), *services, *workloads)
    assert causes(of) == [("pay-service", "gateway-misroute")]
    assert causes(cluster(gateway("pay-service"), *services, *workloads)) == []


def test_a_failing_request_shows_a_route_that_names_do_not() -> None:
    request = FailingRequest("pay", "/api/v1/payservice/pay", "404")
    of = cluster(gateway("cart"), requests=(request,))
    assert causes(of) == [("pay", "gateway-misroute")]
    assert "404" in first(of).speaks_for[0].sentence


# -- connections -----------------------------------------------------------------------------------

SETTINGS = {"kind": "Secret", "metadata": {"name": "db"},
            "stringData": {"CART_MYSQL_HOST": "mysql", "CART_MYSQL_PORT": "3307"}}  # fmt: skip
ENV = {"envFrom": [{"secretRef": {"name": "db"}}]}


def crashing(line: str, workload: Mapping[str, Any] | None = None, *more: Any) -> Cluster:
    return cluster(workload or deployment("cart", ENV), SETTINGS, *more, pods=(ill("cart"),),
                   logs={"cart": (line,)})  # fmt: skip


def test_a_refused_password_is_told_from_a_wrong_port() -> None:
    denied = crashing("Access denied for user 'cart'@'10.0.0.1'")
    assert causes(denied) == [("cart", "database-invalid-credentials")]
    mysql = {"kind": "Service", "metadata": {"name": "mysql"},
             "spec": {"ports": [{"port": 3306}]}}  # fmt: skip
    refused = crashing("Connection refused", None, mysql)
    assert causes(refused) == [("cart", "database-invalid-port")]
    assert "on port 3307 (CART_MYSQL_PORT); it listens on 3306" in first(refused).sentence


def test_a_log_of_a_pod_that_is_well_is_not_held_against_it() -> None:
    well = cluster(deployment("cart"), logs={"cart": ("Access denied for user 'x'",)})
    assert causes(well) == []


def test_a_name_server_of_its_own_explains_names_that_do_not_resolve() -> None:
    own = deployment("cart", dnsPolicy="None", dnsConfig={"nameservers": ["10.9.9.9"]})
    of = crashing("java.net.UnknownHostException: mysql", own)
    assert causes(of) == [("cart", "service-dns-resolution-failure")]
    assert "10.9.9.9" in first(of).sentence
    assert first(of).cause_class is CauseClass.NETWORK


def test_a_sidecar_that_takes_the_programs_port() -> None:
    workload = deployment("cart", notes={"proxy": '{ "statusPort": 8080 }'})
    of = crashing("Port 8080 is already in use", workload)
    assert causes(of) == [("cart", "service-sidecar-port-conflict")]
    assert "sidecar" in first(of).sentence


def test_a_database_that_takes_no_writes_is_named_by_those_who_use_it() -> None:
    stateful = {**deployment("mysql"), "kind": "StatefulSet"}
    said = ("server is running with the --read-only option so it cannot execute",)
    of = cluster(deployment("cart", ENV), SETTINGS, stateful, logs={"cart": said})
    assert causes(of) == [("mysql", "database-read-only")]


def test_a_workload_scaled_to_nothing() -> None:
    assert causes(cluster(deployment("cart", replicas=0))) == [("cart", "deployment-zero-replicas")]


# -- nodes and load --------------------------------------------------------------------------------


def test_a_dead_service_of_a_node_is_the_node() -> None:
    of = cluster(units={("worker-1", "kubelet"): "inactive (dead)"})
    assert causes(of) == [("node/worker-1", "kubelet-unavailable")]
    assert first(of).cause_class is CauseClass.SYSTEM


def test_a_node_under_pressure_or_not_ready() -> None:
    of = cluster(nodes=(Node("w", False, True, pressures=("MemoryPressure",)),))
    assert causes(of) == [("node/w", "memory-pressure"), ("node/w", "node-not-ready")]


def slow(name: str, now_ms: float, percentile: str = "p50", *more: str) -> Alert:
    said = f"LATENCY_DEGRADATION | {percentile}latency: Normal=10.0ms -> Current={now_ms}ms"
    return Alert("Service", name, (said, *more))


CALLS = frozenset({("front", "cart"), ("cart", "pay")})
DROP = "THROUGHPUT_DROP [RPS] | Normal=9 -> Current=2"


def test_the_deepest_slow_service_is_slow_itself() -> None:
    of = cluster(alerts=(slow("front", 900), slow("cart", 800), slow("pay", 700)), calls=CALLS)
    assert causes(of)[0] == ("pay", "pod-network-delay")


def test_a_callee_that_got_a_little_slower_does_not_explain_its_caller() -> None:
    of = cluster(alerts=(slow("front", 9000), slow("cart", 8000), slow("pay", 100)), calls=CALLS)
    assert causes(of)[0] == ("cart", "pod-network-delay")


def test_throttled_and_busier_than_ever_is_a_lack_of_cpu_and_throttled_alone_is_not() -> None:
    throttled = "RESOURCE_SATURATION [cpu_cfs] | Val: 0.8s (Throttled)"
    rose = "RESOURCE_SATURATION [cpu core] | Normal=0.03 cores -> Current=0.16 cores (+375.0%)"
    busy = cluster(alerts=(Alert("Service", "cart", (throttled, rose)),))
    assert causes(busy) == [("cart", "pod-cpu-overload")]
    assert causes(cluster(alerts=(Alert("Service", "cart", (throttled,)),))) == []


def test_a_node_that_loses_packets_is_told_from_one_that_delays_them() -> None:
    lossy = Alert("Node", "worker-1", ("NETWORK_QUALITY_DEGRADED [TCP Retransmission]",))
    assert causes(cluster(alerts=(lossy, slow("front", 200))))[0] == (
        "node/worker-1", "node-network-packet-loss",
    )  # fmt: skip
    everybody = [Alert("Service", name, (DROP,)) for name in "abcdefgh"]
    late = Pod("cart-79b49f5555-h95zb", "Running", True, 0, "worker-2", labels={"app": "cart"})
    delayed = cluster(alerts=(*everybody, slow("front", 9000), slow("cart", 2000)),
                      calls=CALLS | {("user", "front")}, pods=(late,))  # fmt: skip
    assert causes(delayed)[0] == ("node/worker-2", "node-network-delay")


# -- network policies ------------------------------------------------------------------------------


def policy(name: str, app: str, **spec: Any) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy", "metadata": {"name": name},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, **spec},
    }  # fmt: skip


CALLER = deployment("cart", {"env": [{"name": "PAY_ADDR", "value": "pay:80"}]})
TIMED_OUT = {"cart": ("dial pay:80: i/o timeout",)}
ADMITS_WEB = {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]}


def guarded(*policies: Mapping[str, Any], logs: Mapping[str, Any] = TIMED_OUT) -> Cluster:
    made = cluster(CALLER, deployment("pay"), service("pay"), service("cart"), logs=logs)
    named = {("networkpolicies", one["metadata"]["name"]): one for one in policies}
    return replace(made, manifests={**made.manifests, **named})


def test_a_network_policy_that_keeps_a_caller_out_is_named() -> None:
    found = first(guarded(policy("only-web", "pay", **ADMITS_WEB)))
    assert (found.where, found.kind) == ("pay", "network-policy-blocks")
    assert found.cause_class is CauseClass.NETWORK
    assert "does not let cart in to pay" in found.sentence


@pytest.mark.parametrize(
    "more",
    [
        [policy("cart-too", "pay", ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "cart"}}}]}])],
        [policy("all", "pay", ingress=[{}])],
        [policy("near", "pay", ingress=[{"from": [{"namespaceSelector": {}}]}])],
    ],
)  # fmt: skip
def test_policies_add_up_and_one_that_admits_is_enough(more: list[Mapping[str, Any]]) -> None:
    assert causes(guarded(policy("only-web", "pay", **ADMITS_WEB), *more)) == []


def test_a_policy_that_nobody_suffers_from_is_no_cause() -> None:
    assert causes(guarded(policy("only-web", "pay", **ADMITS_WEB), logs={})) == []
    assert causes(guarded(policy("other", "stock", **ADMITS_WEB))) == []


def test_a_port_that_a_policy_leaves_out_is_shut() -> None:
    admitted = [{"podSelector": {"matchLabels": {"app": "cart"}}}]
    shut = policy("port", "pay", ingress=[{"from": admitted, "ports": [{"port": 9999}]}])
    assert causes(guarded(shut)) == [("pay", "network-policy-blocks")]
    open_ = policy("port", "pay", ingress=[{"from": admitted, "ports": [{"port": 8080}]}])
    assert causes(guarded(open_)) == []


def test_a_policy_that_lets_nothing_out_is_named() -> None:
    found = first(guarded(policy("shut", "cart", policyTypes=["Egress"])))
    assert (found.where, found.kind) == ("cart", "network-policy-blocks")
    assert "lets nothing out" in found.sentence
    dns = policy("dns", "cart", policyTypes=["Egress"], egress=[{}])
    assert causes(guarded(policy("shut", "cart", policyTypes=["Egress"]), dns)) == []


# -- what others say of a database, and volumes that are gone --------------------------------------


def test_a_database_that_takes_no_more_connections_is_named_by_those_who_use_it() -> None:
    env = {"env": [{"name": "PAY_DB_HOST", "value": "db"}]}
    full = {"pay": ("FATAL: sorry, too many clients already",), "cart": ("INFO all is well",)}
    of = cluster(deployment("pay", env), deployment("db"), service("db"), logs=full)
    found = first(of)
    assert (found.where, found.kind) == ("db", "database-connections-exhausted")
    assert found.cause_class is CauseClass.CAPACITY
    quiet = {"pay": ("INFO 3 clients connected",)}
    assert causes(cluster(deployment("pay", env), deployment("db"), logs=quiet)) == []


def test_a_volume_claim_that_is_gone_is_named() -> None:
    workload = deployment("db", volumes=[{"persistentVolumeClaim": {"claimName": "data"}}])
    event = warning("db", "FailedScheduling", f"0/2 nodes are available: {UNBOUND}.")
    gone = {"persistentvolumeclaims": frozenset({"other"})}
    of = cluster(workload, pods=(ill("db", "Pending"),), events=(event,), names=gone)
    assert causes(of) == [("db", "missing-pvc")]
    listed = cluster(workload, claim({}), pods=(ill("db", "Pending"),), events=(event,),
                     names={"persistentvolumeclaims": frozenset({"data"})})  # fmt: skip
    assert causes(listed) == [("db", "pvc-unmet")]
