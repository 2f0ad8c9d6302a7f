"""What opens doors: certificates, passwords, networks, names; and who stands behind them."""

from __future__ import annotations

from datetime import timedelta

from mainstay.simulation.cast import CALLS, VENDORS, callers_of
from mainstay.simulation.faults.effects import fails
from mainstay.simulation.scene import Scene, Told, text
from mainstay.simulation.usual import CALLER

ACCOUNTS = {
    "svc_pay": "pay-api",
    "svc_ledger": "ledger",
    "svc_settle": "settlement",
    "svc_report": "reporting",
}


def expired_certificate(scene: Scene, told: Told) -> None:
    """A certificate's last day is over."""
    service = scene.random.choice(["ledger", "fraud", "pay-api", "bus"])
    ended = scene.since - timedelta(seconds=scene.random.randint(5, 200))
    name = f"{service}.alpenpay.example"
    scene.unwatch(service, "certificate", f"{name}:443")
    if told.facts:
        scene.watch(
            service, "certificate", f"{name}:443", subject=f"CN={name}", not_after=text(ended)
        )
        for caller in callers_of(service):
            scene.watch(
                caller, "connection", f"{service}:8443", at=scene.since, outcome="bad certificate"
            )
    for caller in callers_of(service):
        if told.logs:
            words = scene.random.choice([
                f"TLS handshake with {service}:8443 failed: javax.net.ssl.SSLHandshakeException: PKIX path validation failed: "
                "java.security.cert.CertPathValidatorException: validity check failed",
                f"Post https://{name}/v1: x509: certificate has expired or is not yet valid: current time is after {text(ended)}",
                f"{service}:8443: SSL routines: certificate verify failed (certificate has expired)",
            ])  # fmt: skip
            scene.say_often(caller, "ERROR", [words], every_s=15)
        scene.say_often(caller, "ERROR", [f"call of {service} failed, circuit open, @"], every_s=60)
        scene.move(caller, "availability", 1 - scene.random.uniform(0.2, 0.6))
    scene.move(service, "requests_per_second", 0.15)
    scene.true("expired-certificate", "configuration", service, name, f"{name}:443")


def expired_password(scene: Scene, told: Told) -> None:
    """A service account may no longer sign in."""
    user = scene.random.choice(list(ACCOUNTS))
    service = ACCOUNTS[user]
    locked = scene.random.random() < 0.4
    if not told.facts:
        scene.unwatch(service, "account", user)
    if told.facts:
        scene.watch(service, "account", user, at=scene.since - timedelta(minutes=3), state="locked" if locked else "expired",
                    expires_at=text(scene.since - timedelta(minutes=3)))  # fmt: skip
    if told.logs:
        words = scene.random.choice([
            f'FATAL: password authentication failed for user "{user}"',
            f"ORA-28001: the password has expired (user {user})",
            f"LDAP: error code 49 - 80090308: AcceptSecurityContext error, data 532, bind as {user}",
        ])  # fmt: skip
        scene.say_often(service, "ERROR", [words], every_s=20)
        if "FATAL" in words:
            scene.say_often("pay-db", "INFO", [words.replace("FATAL:", "FATAL: ")], every_s=30)
    scene.say_often(service, "ERROR", ["cannot serve @: no data source"], every_s=60)
    scene.move(service, "availability", 1 - scene.random.uniform(0.3, 0.9))
    scene.true("expired-password", "configuration", service, user)


def firewall_or_dns(scene: Scene, told: Told) -> None:
    """The way to a service is shut, or its name leads nowhere (or elsewhere)."""
    (scene.random.choice([_firewall, _dns]))(scene, told)


def _firewall(scene: Scene, told: Told) -> None:
    caller = scene.random.choice(["pay-api", "ledger", "settlement"])
    callee = scene.random.choice([one for one in CALLS[caller] if one not in VENDORS])
    port = {"pay-db": 5432, "bus": 9092}.get(callee, 8443)
    if scene.random.random() < 0.6:
        scene.change("network", "firewall policy push", before=timedelta(minutes=2), by="netops", planned=True,
                     until=scene.since + timedelta(hours=2))  # fmt: skip
    outcome = scene.random.choice(["timed out", "refused"])
    scene.unwatch(caller, "connection", f"{callee}:{port}")
    if told.facts:
        scene.watch(caller, "connection", f"{callee}:{port}", outcome="ok")
        scene.watch(caller, "connection", f"{callee}:{port}", at=scene.since, outcome=outcome)
        others = [one for one in callers_of(callee) if one != caller]
        for other in others[:1]:
            scene.watch(other, "connection", f"{callee}:{port}", outcome="ok")
    if told.logs:
        words = scene.random.choice([
            f"connect to {callee}:{port} failed: connect timed out", f"java.net.ConnectException: Connection timed out: {callee}/10.20.1.22:{port}",
            f"java.net.NoRouteToHostException: No route to host: {callee}:{port}",
        ])  # fmt: skip
        scene.say_often(caller, "ERROR", [words], every_s=12)
    fails(scene, caller, scene.random.uniform(0.2, 0.6))
    scene.move(callee, "requests_per_second", 0.6)
    scene.true("firewall-or-dns", "network", caller, callee, f"{callee}:{port}")


def _dns(scene: Scene, told: Told) -> None:
    caller = scene.random.choice(["pay-api", "ledger", "settlement", "fraud"])
    callee = scene.random.choice([one for one in CALLS[caller] if one not in VENDORS])
    name = f"{callee}.alpenpay.example"
    elsewhere = scene.random.random() < 0.4
    scene.unwatch(caller, "lookup", name)
    if told.facts:
        scene.watch(caller, "lookup", name, answer="10.20.1.30")
        found = (
            {"answer": "192.0.2.17"}
            if elsewhere
            else {"answer": "", "error": scene.random.choice(["NXDOMAIN", "SERVFAIL"])}
        )
        scene.watch(caller, "lookup", name, at=scene.since, **found)
        scene.watch(caller, "connection", f"{callee}:443", at=scene.since, outcome="timed out")
    if told.logs:
        words = scene.random.choice([
            f"java.net.UnknownHostException: {name}: Name or service not known", f"could not translate host name \"{name}\" to address: Name or service not known",
            f"lookup {name} on 10.20.0.53:53: no such host",
        ])  # fmt: skip
        scene.say_often(caller, "ERROR", [words], every_s=12)
    fails(scene, caller, scene.random.uniform(0.2, 0.6))
    scene.true("firewall-or-dns", "network", caller, callee, name, f"{callee}:443")


def vendor_down(scene: Scene, told: Told) -> None:
    """A third party does not answer, or answers with errors."""
    vendor = scene.random.choice(list(VENDORS))
    caller = CALLER[vendor]
    if not told.facts:
        scene.unwatch(caller, "connection", f"{vendor}:443")
    if told.facts:
        state = scene.random.choice(["down", "degraded"])
        scene.watch(vendor, "vendor", VENDORS[vendor], at=scene.later(1, 10), state=state,
                    message="We are investigating elevated error rates.")  # fmt: skip
        scene.watch(
            caller,
            "connection",
            f"{vendor}:443",
            at=scene.since,
            outcome=scene.random.choice(["timed out", "reset", "ok"]),
        )
    if told.logs:
        words = scene.random.choice([
            f"{vendor} answered 503 Service Unavailable for @", f"POST https://{vendor}.{VENDORS[vendor].lower()}.example/v2: 502 Bad Gateway",
            f"{vendor}: HTTP 500 from vendor, error SYSTEM_UNAVAILABLE, @",
        ])  # fmt: skip
        scene.say_often(caller, "ERROR", [words], every_s=10)
    fails(scene, vendor, scene.random.uniform(0.3, 0.9))
    scene.say_often(caller, "WARN", ["# payments wait for an answer"], every_s=120)
    scene.true("vendor-down", "third party", vendor)
