"""Databases, pools and queues: who waits for whom."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.simulation.faults.effects import fails, slows
from mainstay.simulation.scene import Scene, Told
from mainstay.simulation.usual import QUEUES


def blocked_session(scene: Scene, told: Told) -> None:
    """One session holds what the others wait for."""
    holder, user = (
        scene.random.randint(5000, 9000),
        scene.random.choice(["jonas", "svc_report", "dba"]),
    )
    waiters = scene.random.sample(range(4200, 4900), scene.random.randint(3, 8))
    at = scene.later(-3, 0)
    if told.facts:
        scene.watch("pay-db", "session", str(holder), at=at, state="idle in transaction", user=user,
                    seconds=float(scene.random.randint(200, 2400)), statement="update account set limit_class = 3")  # fmt: skip
        for place, pid in enumerate(waiters):
            waits_for = holder if place < 2 else scene.random.choice([holder, waiters[0]])
            scene.watch("pay-db", "session", str(pid), at=at + timedelta(seconds=40 * place), state="active",
                        waits_for=str(waits_for), seconds=float(scene.random.randint(60, 900)), user="svc_pay",
                        statement="update account set balance = balance - $1")  # fmt: skip
    if told.logs:
        for pid in waiters:
            seen = scene.later(0, 30)
            scene.say("pay-db", "INFO", f"LOG:  process {pid} still waiting for ShareLock on transaction "
                      f"{scene.random.randint(70_000, 99_000)} after 1000.{scene.random.randint(1, 999):03d} ms", at=seen)  # fmt: skip
            scene.say("pay-db", "INFO", f"DETAIL:  Process holding the lock: {holder}. Wait queue: {', '.join(map(str, waiters[:3]))}.",
                      at=seen)  # fmt: skip
    _waits(scene, told, "ledger")
    scene.true("blocked-session", "system failure", "pay-db", str(holder))


def _waits(scene: Scene, told: Told, service: str) -> None:
    """Whoever waits for the database: its requests, and so its connections."""
    slows(scene, "pay-db", scene.random.uniform(5, 12))
    scene.say_often(
        service,
        "ERROR",
        ["posting @ failed: canceling statement due to statement timeout"],
        every_s=60,
    )
    if scene.random.random() < 0.5:
        if told.facts:
            scene.watch(
                service,
                "pool",
                f"{service} → pay-db",
                at=scene.later(4, 8),
                in_use=30,
                size=30,
                waiting=4,
            )
        scene.say_often(
            service, "WARN", ["pool is nearly used up: # connections active"], every_s=200
        )


def stuck_queue(scene: Scene, told: Told) -> None:
    """A queue is not worked off: a message at its head fails again and again, or nobody takes any."""
    queue, poison = scene.random.choice(QUEUES), scene.random.random() < 0.5
    head, depth = scene.message(), scene.random.randint(40, 200)
    consumer = {"payments": "ledger", "postings": "settlement", "fraud-events": "fraud"}[queue]
    scene.forget(queue, after=scene.since)
    for minutes in range(0, 41, 10) if told.facts else ():
        depth += scene.random.randint(700, 3000)
        scene.see("bus", "queue", queue, at=scene.since + timedelta(minutes=minutes), depth=depth,
                  consumers=3 if poison else 0, oldest_s=60.0 * minutes + 30, head=head)  # fmt: skip
    if told.logs and poison:
        words = scene.random.choice([
            f"message {head} of {queue} failed, redelivered (attempt #): cannot parse amount '1.234,5'",
            f"giving back {head} to {queue} after error in field valueDate, delivery count #",
        ])  # fmt: skip
        scene.say_often(consumer, "ERROR", [words], every_s=15)
    elif told.logs:
        scene.say_often(
            "bus",
            "WARN",
            [f"consumer group {consumer} of {queue} has no active members"],
            every_s=120,
        )
        scene.say_often(
            consumer, "INFO", ["leaving the group: heartbeat thread ended"], every_s=600
        )
    scene.move(consumer, "requests_per_second", scene.random.uniform(0.02, 0.1))
    scene.say_often("merchant-ui", "WARN", ["payment @ shown as pending for # min"], every_s=120)
    scene.true("stuck-queue", "data" if poison else "system failure", queue, "bus", consumer)


def pool_exhausted(scene: Scene, told: Told) -> None:
    """All connections are lent out, and requests queue for one."""
    service = scene.random.choice(["pay-api", "ledger", "settlement"])
    size = scene.random.choice([20, 30, 40])
    if not told.facts:
        scene.unwatch(service, "pool", f"{service} → pay-db")
    if told.facts:
        scene.watch(service, "pool", f"{service} → pay-db", at=scene.later(-2, 0), in_use=size, size=size,
                    waiting=scene.random.randint(8, 90))  # fmt: skip
    if told.logs:
        words = scene.random.choice([
            f"HikariPool-1 - Connection is not available, request timed out after 30000ms (total={size}, active={size}, idle=0, waiting=#)",
            "org.apache.commons.dbcp2.PoolExhaustedException: Cannot get a connection, pool error Timeout waiting for idle object",
            "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
        ])  # fmt: skip
        scene.say_often(service, "ERROR", [words], every_s=12)
    slows(scene, service, scene.random.uniform(6, 15))
    fails(scene, service, scene.random.uniform(0.1, 0.4))
    if scene.random.random() < 0.5:
        scene.move(service, "requests_per_second", scene.random.uniform(1.1, 1.3))
    scene.true("pool-exhausted", "capacity", service)


def plan_change(scene: Scene, told: Told) -> None:
    """A statement gets another plan, and reads everything."""
    statement = scene.random.choice(
        ["select open positions", "select payment by merchant", "select postings of day"]
    )
    fast, slow = scene.random.uniform(0.004, 0.03), scene.random.uniform(1.5, 20)
    table = statement.split()[-1]
    scene.unwatch("pay-db", "statement", statement)
    if told.facts:
        scene.watch("pay-db", "statement", statement, at=scene.begins, mean_s=fast, calls=900, rows_read=40,
                    plan=f"Index Scan using {table}_idx")  # fmt: skip
        scene.watch("pay-db", "statement", statement, at=scene.since, mean_s=slow, calls=870,
                    rows_read=scene.random.randint(900_000, 9_000_000), plan=f"Seq Scan on {table}")  # fmt: skip
    if told.logs:
        _explained(
            scene,
            statement,
            "Index Scan using",
            fast * 1000 + 1000,
            every_s=900,
            at=scene.begins,
            until=scene.since,
        )
        _explained(
            scene,
            statement,
            "Seq Scan on",
            slow * 1000 + 1000,
            every_s=25,
            at=scene.since,
            until=scene.ends,
        )
    if scene.random.random() < 0.6:
        scene.say(
            "pay-db",
            "INFO",
            f'LOG:  automatic analyze of table "pay.public.{table}"',
            at=scene.later(-4, -1),
        )
    _waits(scene, told, "settlement")
    scene.move("pay-db", "cpu_used_%", scene.random.uniform(1.8, 2.4))
    scene.true("plan-change", "system failure", "pay-db", statement)


def _explained(
    scene: Scene, statement: str, node: str, ms: float, *, every_s: float,
    at: datetime, until: datetime,
) -> None:  # fmt: skip
    table = statement.split()[-1]
    target = f"{table}_idx on {table}" if "Index" in node else table
    scene.say("pay-db", "INFO", f"LOG:  duration: {ms:.3f} ms  plan: Query Text: {statement}; {node} {target}  (cost=0.00..9999.00)",
              at=at)  # fmt: skip
    scene.say_often("pay-db", "INFO", [f"LOG:  duration: {ms:.0f}.# ms  plan: Query Text: {statement}; {node} {target}  (cost=0.00..#.00)"],
                    every_s=every_s, at=at, until=until)  # fmt: skip
