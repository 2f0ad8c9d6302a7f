"""Who plays: Alpenpay's services, who calls whom, and where they run (examples/alpenpay)."""

from __future__ import annotations

CALLS = {
    "checkout": ("pay-api", "fraud"),
    "pay-api": ("ledger", "fraud", "card-gw", "pay-db", "bus"),
    "merchant-ui": ("pay-api",),
    "fraud": ("bus",),
    "ledger": ("pay-db", "bus"),
    "settlement": ("ledger", "pay-db", "sepa-gw"),
    "reporting": ("pay-db",),
}
SERVICES = (*CALLS, "pay-db", "bus", "card-gw", "sepa-gw")
VENDORS = {"card-gw": "Nexi", "sepa-gw": "SIX"}
HOSTS = {
    "app-01": ("pay-api", "ledger"),
    "app-02": ("pay-api", "fraud"),
    "app-03": ("pay-api", "checkout", "merchant-ui"),
    "batch-01": ("settlement", "reporting"),
    "pg-01": ("pay-db",),
    "pg-02": ("pay-db",),
    "mq-01": ("bus",),
}
OURS = tuple(one for one in SERVICES if one not in VENDORS)
NODES = ("pay-api@app-01", "pay-api@app-02", "pay-api@app-03")


def hosts_of(service: str) -> tuple[str, ...]:
    """The machines that a service runs on."""
    return tuple(host for host, services in HOSTS.items() if service in services)


def callers_of(service: str) -> tuple[str, ...]:
    """Who calls it."""
    return tuple(one for one, called in CALLS.items() if service in called)


def above(service: str) -> tuple[str, ...]:
    """Whoever waits for it, directly or not, near before far."""
    found: list[str] = []
    waiting = list(callers_of(service))
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found.append(one)
            waiting += callers_of(one)
    return tuple(found)
