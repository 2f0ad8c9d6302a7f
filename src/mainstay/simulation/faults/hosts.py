"""Machines: full file systems, clocks that drift, heaps that fill, neighbours that take it all."""

from __future__ import annotations

from datetime import timedelta

from mainstay.simulation.cast import HOSTS, hosts_of
from mainstay.simulation.faults.effects import fails, slows
from mainstay.simulation.scene import Scene, Told


def full_file_system(scene: Scene, told: Told) -> None:
    """A file system has no room left, or no inodes."""
    host = scene.random.choice(["app-01", "app-02", "batch-01", "pg-01", "mq-01"])
    mount = scene.random.choice(["/var", "/data"])
    service = scene.random.choice(HOSTS[host])
    inodes = scene.random.random() < 0.3
    if not told.facts:
        scene.unwatch(host, "filesystem", mount)
    if told.facts:
        for minutes, used in ((-30, 0.9), (-15, 0.96), (0, 1.0)):
            now = {
                "used_share": 0.55 if inodes else used,
                "inodes_used_share": used if inodes else 0.2,
            }
            scene.watch(
                host,
                "filesystem",
                mount,
                at=scene.since + timedelta(minutes=minutes),
                read_only=False,
                **now,
            )
    if told.logs:
        words = {"pay-db": 'ERROR:  could not extend file "base/16384/#": No space left on device',
                 "bus": f"Error while writing to checkpoint file {mount}/kafka/recovery-point: java.io.IOException: No space left on device",
                 }.get(service, f"java.io.IOException: No space left on device: {mount}/spool/@")  # fmt: skip
        scene.say_often(service, "ERROR", [words], every_s=40)
        scene.say_often(
            host,
            "ERROR",
            [f"rsyslogd: file '{mount}/log/syslog' write error: No space left on device"],
            every_s=200,
        )
    fails(scene, service, scene.random.uniform(0.1, 0.5))
    scene.say_often(
        service, "WARN", ["could not write a heap of audit records, # kept in memory"], every_s=300
    )
    scene.true("full-file-system", "system failure", host, service)


def clock_drift(scene: Scene, told: Told) -> None:
    """The clock of one machine runs away from true time."""
    host = scene.random.choice(["app-01", "app-02", "app-03"])
    sign = scene.random.choice([-1, 1])
    if not told.facts:
        scene.unwatch(host, "clock", "chrony")
    off = sign * scene.random.uniform(25, 400)
    if told.facts:
        for minutes, share in ((-15, 0.02), (0, 0.6), (15, 1.0)):
            scene.watch(
                host,
                "clock",
                "chrony",
                at=scene.since + timedelta(minutes=minutes),
                offset_s=round(off * share, 3),
            )
    if told.logs:
        scene.say_often(host, "WARN", [
            f"chronyd: System clock wrong by {-off:.3f} seconds", "chronyd: Can't synchronise: no selectable sources",
        ], every_s=240)  # fmt: skip
    words = (
        "token of @ rejected: issued # s in the future"
        if sign > 0
        else "token of @ rejected: expired # s ago"
    )
    scene.say_often("fraud", "ERROR", [words, f"event of {host} out of order by # s"], every_s=45)
    scene.move("pay-api", "availability", scene.random.uniform(0.85, 0.95))
    scene.true("clock-drift", "system failure", host)


def heap_exhausted(scene: Scene, told: Told) -> None:
    """A program's memory fills until it only collects garbage, or is killed."""
    service = scene.random.choice(["pay-api", "ledger", "settlement"])
    host = scene.random.choice(hosts_of(service))
    killed = scene.random.random() < 0.35
    level = scene.levels[service, "heap_used_%"][0]
    for minutes in range(-20, 41, 4):
        full = min(97.0, level + (97 - level) * (minutes + 20) / 20)
        scene.move(service, "heap_used_%", full / level, at=scene.since + timedelta(minutes=minutes),
                   until=scene.since + timedelta(minutes=minutes + 4))  # fmt: skip
    scene.move(service, "cpu_used_%", scene.random.uniform(1.6, 2.5))
    if told.facts:
        share = round(scene.random.uniform(0.96, 0.995), 3)
        scene.watch(
            service, "pool", "java heap", in_use=round(level / 100 * 4096), size=4096, waiting=0
        )
        scene.watch(
            service,
            "pool",
            "java heap",
            at=scene.since,
            in_use=round(share * 4096),
            size=4096,
            waiting=0,
        )
        if killed:
            scene.see(host, "kernel", "oom", at=scene.later(2, 12), message="Out of memory: Killed process "
                      f"{scene.random.randint(900, 9000)} (java) total-vm:8123456kB, anon-rss:4190000kB")  # fmt: skip
    if told.logs:
        scene.say_often(service, "ERROR", [scene.random.choice([
            "java.lang.OutOfMemoryError: Java heap space", "java.lang.OutOfMemoryError: GC overhead limit exceeded",
        ])], every_s=150)  # fmt: skip
        scene.say_often(
            service,
            "WARN",
            ["GC(#) Pause Full (G1 Compaction Pause) 4062M->4049M(4096M) #.#ms"],
            every_s=60,
        )
        if killed:
            scene.say(host, "ERROR", "kernel: Out of memory: Killed process 2817 (java) total-vm:8123456kB, anon-rss:4190000kB",
                      at=scene.later(2, 12))  # fmt: skip
    slows(scene, service, scene.random.uniform(4, 9))
    fails(scene, service, scene.random.uniform(0.05, 0.2))
    scene.true("heap-exhausted", "system failure", service, host)


def noisy_neighbour(scene: Scene, told: Told) -> None:
    """Something else on the machine takes what a service needs."""
    host, victims = scene.random.choice([("batch-01", ("settlement",)), ("app-03", ("checkout", "merchant-ui")),
                                         ("app-01", ("ledger",)), ("pg-01", ("pay-db",))])  # fmt: skip
    program = scene.random.choice(["reindex", "pg_dump", "antivirus-scan", "export-all", "rsync"])
    steals = scene.random.random() < 0.4
    if told.facts and not steals:
        scene.watch(host, "process", f"{program} ({scene.random.randint(10_000, 30_000)})", at=scene.since,
                    cpu_share=round(scene.random.uniform(0.72, 0.95), 2), memory_bytes=2.0e9)  # fmt: skip
        scene.watch(
            host,
            "host",
            host,
            at=scene.since,
            cpu_share=0.99,
            load_share=3.4,
            memory_used_share=0.7,
        )
    if not told.facts or steals:
        scene.move(host, "node_cpu_steal_%", scene.random.uniform(50, 90))
    if told.logs:
        scene.say(
            host, "INFO", f"CRON: (root) CMD (/opt/tools/{program} --all)", at=scene.later(-2, 0)
        )
        scene.say_often(
            host,
            "WARN",
            [
                "kernel: perf: interrupt took too long (# > #), lowering kernel.perf_event_max_sample_rate"
            ],
            every_s=500,
        )
    scene.move(host, "node_load1", scene.random.uniform(4, 9))
    for victim in victims:
        slows(scene, victim, scene.random.uniform(3, 6))
        scene.say_often(victim, "WARN", ["task @ took # ms, longer than its budget"], every_s=70)
    scene.true("noisy-neighbour", "capacity", host, *victims)
