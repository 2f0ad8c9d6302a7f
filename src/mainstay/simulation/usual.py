"""An ordinary day: levels that wander, chatter with the warnings that always come, and the odd but
harmless things that somebody will point at when something breaks."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.simulation.cast import HOSTS, NODES, OURS, SERVICES, VENDORS
from mainstay.simulation.scene import Scene, Value, text

DAY = timedelta(days=1)
EMPTY = "e3b0c442"
"""The beginning of the SHA-256 of nothing."""
QUEUES = ("payments", "postings", "fraud-events")
FILES = {"camt053": 2_100, "visa_clearing": 8_400, "fx_rates": 170}
TABLES = {"fx_rate": 170, "bic_directory": 9_800, "merchant_fee": 2_400}
CALLER = {"card-gw": "pay-api", "sepa-gw": "settlement"}
CHATTER = {
    "pay-api": ("payment @ accepted in # ms", "capture @ booked, # ms", "GET /v3/payments/@ 200"),
    "ledger": ("posting @ committed in # ms", "balance of account # read"),
    "settlement": ("batch # of position file read", "netting group # done in # ms"),
    "checkout": ("session # opened", "order # paid with @"),
    "fraud": ("scored @ in # ms", "model features read for @"),
    "merchant-ui": ("GET /merchants/# 200", "report # exported"),
    "reporting": ("query # finished in # ms", "extract # written"),
    "pay-db": ("LOG:  checkpoint complete: wrote # buffers", "LOG:  connection authorized: user=svc_pay database=pay",
               "LOG:  automatic analyze of table \"pay.public.payment_#\""),
    "bus": ("Completed load of log with # segments", "Rolled new log segment in # ms"),
}  # fmt: skip
WARNINGS = {
    "pay-api": ("idempotency key reused for @, answering from cache", "card-gw answered late: # ms"),
    "ledger": ("retrying posting @ after optimistic lock, attempt 2", "connect timed out: statement-archive, falling back"),
    "settlement": ("position file has # comments, ignored", "IBAN check skipped for test merchant #"),
    "checkout": ("client closed the connection before the answer", "CSP report from browser #"),
    "fraud": ("feature store answered stale value for @",),
    "reporting": ("statement timeout of an ad hoc query by analyst #",),
    "pay-db": ("LOG:  could not receive data from client: Connection reset by peer",),
    "bus": ("Received request with old api version # from client",),
}  # fmt: skip
SYSLOG = (
    "systemd: Started Session # of user svc_deploy.",
    "CRON: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
    "sshd: Accepted publickey for svc_deploy from 10.20.0.5 port # ssh2",
    "chronyd: Selected source 10.20.0.123",
    "node_exporter: collected # metrics",
)
SYSLOG_WARNINGS = (
    "sshd: error: kex_exchange_identification: Connection closed by remote host",
    "systemd-resolved: Using degraded feature set UDP instead of UDP+EDNS0 for DNS server 10.20.0.53.",
    "kernel: TCP: request_sock_TCP: Possible SYN flooding on port 8080. Sending cookies.",
)


def play_usual(scene: Scene) -> None:
    """Play what is seen on every day."""
    _levels(scene)
    for place, texts in CHATTER.items():
        scene.say_often(place, "INFO", texts, every_s=25, at=scene.begins)
    for place, texts in WARNINGS.items():
        level = "INFO" if place == "pay-db" else "WARN"
        scene.say_often(place, level, texts, every_s=240, at=scene.begins)
    for host in HOSTS:
        scene.say_often(host, "INFO", SYSLOG, every_s=120, at=scene.begins)
        scene.say_often(host, "WARN", SYSLOG_WARNINGS, every_s=500, at=scene.begins)
    _hosts(scene)
    _access(scene)
    _database(scene)
    _work(scene)
    _outside(scene)


def play_decoys(scene: Scene) -> None:
    """Play some things that are odd and harmless; which ones is up to the seed."""
    for decoy in scene.random.sample(DECOYS, scene.random.randint(2, 4)):
        decoy(scene)


def _levels(scene: Scene) -> None:
    pick = scene.random.uniform
    for service in SERVICES:
        scene.levels[service, "requests_per_second"] = pick(20, 200), 0.06
        scene.levels[service, "latency_seconds"] = pick(0.01, 0.2), 0.08
        scene.levels[service, "availability"] = 99.9, 0.0008
        if service in OURS:
            scene.levels[service, "cpu_used_%"] = pick(12, 40), 0.1
            scene.levels[service, "heap_used_%"] = pick(30, 55), 0.12
    for host in HOSTS:
        scene.levels[host, "node_cpu_steal_%"] = pick(0.2, 0.8), 0.3
        scene.levels[host, "node_load1"] = pick(1, 4), 0.15
    for _ in range(3):  # a spike that passes
        at = scene.begins + (scene.ends - scene.begins) * scene.random.random()
        metric = scene.random.choice(["latency_seconds", "requests_per_second", "cpu_used_%"])
        scene.move(scene.random.choice(OURS), metric, pick(1.5, 2.2), at=at,
                   until=at + timedelta(minutes=2))  # fmt: skip


def _hosts(scene: Scene) -> None:
    pick = scene.random.uniform
    for host, services in HOSTS.items():
        for mount in ("/", "/var", "/data"):
            scene.watch(host, "filesystem", mount, used_share=round(pick(0.3, 0.8), 3),
                        inodes_used_share=round(pick(0.05, 0.3), 3), read_only=False)  # fmt: skip
        scene.watch(host, "filesystem", "/snap/core22/1033", used_share=1.0, read_only=True)
        scene.watch(host, "clock", "chrony", offset_s=round(pick(-0.004, 0.004), 5))
        scene.watch(host, "host", host, load_share=round(pick(0.2, 0.5), 2),
                    cpu_share=round(pick(0.2, 0.5), 2), memory_used_share=round(pick(0.5, 0.7), 2))  # fmt: skip
        for service in services:
            scene.watch(host, "process", f"{service} ({scene.random.randint(900, 9000)})",
                        cpu_share=round(pick(0.1, 0.3), 2), belongs_to=service)  # fmt: skip
        scene.watch(host, "calendar", host, utc_offset_s=_offset(scene),
                    day=f"{scene.since:%Y-%m-%d}", business_day=_business(scene))  # fmt: skip


def _offset(scene: Scene) -> float:
    return 7200.0 if 3 < scene.since.month < 11 else 3600.0


def _business(scene: Scene) -> bool:
    return scene.since.weekday() < 5


def _access(scene: Scene) -> None:
    for service in SERVICES:
        scene.watch(service, "certificate", f"{service}.alpenpay.example:443",
                    subject=f"CN={service}.alpenpay.example", issuer="CN=Alpenpay Issuing CA 2",
                    not_after=text(scene.since + DAY * scene.random.randint(40, 300)))  # fmt: skip
    for user, service in (("svc_pay", "pay-api"), ("svc_ledger", "ledger"), ("svc_settle", "settlement"),
                          ("svc_report", "reporting")):  # fmt: skip
        scene.watch(service, "account", user, state="ok",
                    expires_at=text(scene.since + DAY * scene.random.randint(20, 200)))  # fmt: skip


def _database(scene: Scene) -> None:
    pick = scene.random.uniform
    for number in range(5):
        pid = str(4100 + number)
        scene.watch("pay-db", "session", pid, state=scene.random.choice(["active", "idle"]),
                    seconds=round(pick(0.1, 5), 2), user="svc_pay", client="app-01")  # fmt: skip
    for statement in (
        "select payment by id",
        "select open positions",
        "update balance",
        "insert posting",
    ):
        scene.watch("pay-db", "statement", statement, mean_s=round(pick(0.002, 0.03), 4),
                    calls=scene.random.randint(500, 5000), rows_read=scene.random.randint(1, 400),
                    plan=f"Index Scan #{scene.random.randint(100, 999)}")  # fmt: skip
    for service in ("pay-api", "ledger", "settlement"):
        size = scene.random.choice([20, 30, 40])
        scene.watch(service, "pool", f"{service} → pay-db", size=size, waiting=0,
                    in_use=scene.random.randint(4, size // 2))  # fmt: skip


def _work(scene: Scene) -> None:
    for queue in QUEUES:
        for minutes in range(-90, 41, 10):
            scene.see("bus", "queue", queue, at=scene.since + timedelta(minutes=minutes),
                      depth=scene.random.randint(0, 120), consumers=3,
                      oldest_s=round(scene.random.uniform(0, 4), 1), head=scene.message())  # fmt: skip
    for name in ("limits.daily_max", "http.timeout_ms", "feature.instant", "db.pool.size"):
        value = str(scene.random.choice([10, 30, 50, 3000, 50000]))
        for node in NODES:
            scene.watch(node, "setting", name, value=value)
    for number, node in enumerate(NODES, start=1):
        scene.watch(node, "setting", "node.id", value=str(number))
        scene.watch(node, "setting", "server.address", value=f"10.20.1.{10 + number}")
    for job in ("ledger-snapshot", "fraud-features", "fx-import"):
        run = f"{job}#{scene.random.randint(200, 900)}"
        job_runs(scene, job, run, scene.later(-80, -20))
    for kind in FILES:
        file_arrives(scene, kind, scene.begins - DAY, day=scene.since - DAY)
        file_arrives(scene, kind, scene.later(-85, -10))
    for table, rows in TABLES.items():
        for day, at in ((scene.since - DAY, scene.begins), (scene.since, scene.later(-60, -30))):
            scene.see("pay-db", "reference", table, at=at, table=table,
                      rows=int(rows * scene.random.uniform(0.98, 1.02)), business_date=f"{day:%Y-%m-%d}")  # fmt: skip


def job_runs(
    scene: Scene, job: str, run: str, at: datetime, state: str = "ok", **more: Value
) -> None:
    """One run of a job, as the scheduler sees it."""
    ended = at + timedelta(minutes=scene.random.uniform(2, 8))
    scene.see("settlement", "job", job, at=ended, state=state, run=run, started_at=text(at),
              ended_at=text(ended), business_date=f"{scene.since:%Y-%m-%d}", **more)  # fmt: skip


def name_of(kind: str, day: datetime) -> str:
    """A file's name on a day."""
    return f"{kind}_{day:%Y%m%d}.csv"


def file_arrives(scene: Scene, kind: str, at: datetime, *, day: datetime | None = None) -> None:
    """A file comes, is logged by the sftp server, and is read; so does its empty trigger file."""
    rows = int(FILES[kind] * scene.random.uniform(0.9, 1.1))
    name, size, checksum = name_of(kind, day or scene.since), rows * 87, scene.checksum()
    due = at + timedelta(minutes=scene.random.uniform(2, 20))
    scene.see("settlement", "file", name, at=at, size_bytes=size, rows=rows, checksum=checksum,
              due_at=text(due), arrived_at=text(at), business_date=f"{day or scene.since:%Y-%m-%d}")  # fmt: skip
    scene.see("settlement", "file", name.replace(".csv", ".done"), at=at, size_bytes=0, rows=0,
              checksum=EMPTY, arrived_at=text(at))  # fmt: skip
    if at >= scene.begins:
        file_read(scene, name, at, size=size, rows=rows, checksum=checksum)


def file_read(
    scene: Scene, name: str, at: datetime, *, size: int, rows: int, checksum: str
) -> None:
    """What the sftp server and the reader say of a file that came."""
    scene.say(
        "batch-01", "INFO", f'internal-sftp: close "/in/{name}" bytes read 0 written {size}', at=at
    )
    scene.say("settlement", "INFO", f"file {name}: {rows} records read, sha256 {checksum}",
              at=at + timedelta(seconds=scene.random.uniform(5, 60)))  # fmt: skip


def _outside(scene: Scene) -> None:
    for vendor, company in VENDORS.items():
        scene.watch(vendor, "vendor", company, state="ok", message="All systems operational")
        scene.watch(CALLER[vendor], "connection", f"{vendor}:443", outcome="ok")
    for caller, callee in (("pay-api", "ledger:8443"), ("ledger", "pay-db:5432"), ("settlement", "pay-db:5432"),
                           ("pay-api", "pay-db:5432"), ("fraud", "bus:9092")):  # fmt: skip
        scene.watch(caller, "connection", callee, outcome="ok")
    for number, name in enumerate(("ledger", "pay-db", "bus"), start=21):
        scene.watch("pay-api", "lookup", f"{name}.alpenpay.example", answer=f"10.20.1.{number}")


# -- odd and harmless ------------------------------------------------------------------------------


def _release_elsewhere(scene: Scene) -> None:
    service = scene.random.choice(["merchant-ui", "reporting"])
    scene.change(service, "deployment", before=timedelta(minutes=scene.random.uniform(4, 50)),
                 by="ci", version=f"{scene.random.randint(1, 9)}.{scene.random.randint(0, 30)}.0")  # fmt: skip


def _planned_elsewhere(scene: Scene) -> None:
    scene.change("pg-02", "minor version upgrade of the standby", before=timedelta(minutes=scene.random.uniform(20, 60)),
                 by="dba", planned=True, until=scene.since + timedelta(hours=1))  # fmt: skip


def _nearly_full(scene: Scene) -> None:
    host = scene.random.choice(list(HOSTS))
    scene.watch(
        host, "filesystem", "/archive", used_share=0.94, inodes_used_share=0.4, read_only=False
    )


def _certificate_soon(scene: Scene) -> None:
    scene.watch("merchant-ui", "certificate", "legacy.alpenpay.example:443",
                not_after=text(scene.since + DAY * scene.random.randint(4, 9)), subject="CN=legacy")  # fmt: skip
    scene.say_often("checkout", "WARN", ["certificate of legacy.alpenpay.example expires in 6 days"],
                    every_s=900, at=scene.begins)  # fmt: skip


def _certificate_of_long_ago(scene: Scene) -> None:
    scene.watch("reporting", "certificate", "truststore/old-root", subject="CN=Old Root 2009",
                not_after=text(scene.since - DAY * scene.random.randint(100, 900)))  # fmt: skip


def _idle_in_transaction(scene: Scene) -> None:
    scene.watch("pay-db", "session", "3990", state="idle in transaction", user="analyst", client="laptop-17",
                seconds=float(scene.random.randint(600, 4000)), statement="select * from merchant")  # fmt: skip


def _deep_queue(scene: Scene) -> None:
    for minutes in range(-90, 41, 10):
        scene.see("bus", "queue", "archive-export", at=scene.since + timedelta(minutes=minutes),
                  depth=scene.random.randint(80_000, 90_000), consumers=1, oldest_s=86_000.0, head=scene.message())  # fmt: skip


def _full_but_nobody_waits(scene: Scene) -> None:
    scene.watch("fraud", "pool", "scoring threads", size=16, in_use=16, waiting=0)


def _differs_for_long(scene: Scene) -> None:
    for node, value in zip(NODES, ("on", "off", "off"), strict=True):
        scene.watch(node, "setting", "feature.canary_ui", value=value)


def _rerun_once(scene: Scene) -> None:
    at = scene.later(-70, -30)
    job_runs(scene, "merchant-report", "merchant-report#41", at, "failed")
    job_runs(
        scene,
        "merchant-report",
        "merchant-report#42",
        at + timedelta(minutes=9),
        rerun_of="merchant-report#41",
    )


def _slow_for_long(scene: Scene) -> None:
    scene.watch("pay-db", "statement", "report turnover", mean_s=14.2, calls=4, rows_read=2_000_000,
                plan="Seq Scan turnover")  # fmt: skip


def _replanned_but_fast(scene: Scene) -> None:
    scene.watch(
        "pay-db",
        "statement",
        "select merchant",
        mean_s=0.004,
        calls=300,
        rows_read=1,
        plan="Index Scan #7",
    )
    scene.watch("pay-db", "statement", "select merchant", at=scene.later(-20, 5), mean_s=0.004, calls=310,
                rows_read=1, plan="Bitmap Heap Scan #8")  # fmt: skip


def _vendor_announces(scene: Scene) -> None:
    day = f"{scene.since + DAY * 6:%Y-%m-%d}"
    scene.watch(
        "sms-gw", "vendor", "Aspsms", state="ok", message=f"Maintenance announced for {day}"
    )


def _busy_process(scene: Scene) -> None:
    scene.watch("mq-01", "process", "gzip (771)", cpu_share=0.35)


DECOYS = (
    _release_elsewhere, _planned_elsewhere, _nearly_full, _certificate_soon, _certificate_of_long_ago,
    _idle_in_transaction, _deep_queue, _full_but_nobody_waits, _differs_for_long, _rerun_once,
    _slow_for_long, _replanned_but_fast, _vendor_announces, _busy_process,
)  # fmt: skip
