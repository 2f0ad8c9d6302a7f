"""Files that do not come, come empty or come twice; data that is not there."""

from __future__ import annotations

from datetime import timedelta

from mainstay.simulation.scene import Scene, Told, text
from mainstay.simulation.usual import FILES, TABLES, file_read, name_of


def file_late(scene: Scene, told: Told) -> None:
    """A file that a job waits for has not come by its time."""
    kind = _free(scene, list(FILES))
    name, due = name_of(kind, scene.since), scene.later(-12, -1)
    scene.forget(name.removesuffix(".csv"))
    arrives = scene.later(24, 39) if scene.random.random() < 0.4 else None
    if told.facts:
        for minutes in (0, 15, 30):
            at = scene.since + timedelta(minutes=minutes)
            there = {"arrived_at": text(arrives)} if arrives and arrives <= at else {}
            scene.see("settlement", "file", name, at=at, due_at=text(due),
                      business_date=f"{scene.since:%Y-%m-%d}", **there)  # fmt: skip
    if told.logs:
        words = scene.random.choice([
            f"waiting for /in/{name}, due {due:%H:%M}, not there yet",
            f"expected file {name} has not arrived (cut-off {due:%H:%M})",
            f"java.io.FileNotFoundException: /in/{name} (No such file or directory), next try in 60 s",
        ])  # fmt: skip
        scene.say_often("settlement", "WARN", [words], every_s=150, until=arrives)
    scene.move("settlement", "requests_per_second", scene.random.uniform(0.2, 0.5))
    scene.say_often(
        "reporting",
        "WARN",
        ["positions of today are not complete, extract # postponed"],
        every_s=400,
    )
    scene.true("file-late", "data", "settlement", name)


def file_empty(scene: Scene, told: Told) -> None:
    """A file comes in time, but with nothing in it."""
    kind = _free(scene, list(FILES))
    name, at = name_of(kind, scene.since), scene.later(-6, 1)
    head_only = scene.random.choice([0, scene.random.randint(40, 160)])
    scene.forget(name.removesuffix(".csv"))
    if told.facts:
        scene.see("settlement", "file", name, at=max(at, scene.since), size_bytes=head_only, rows=0,
                  checksum=scene.checksum(), due_at=text(at + timedelta(minutes=9)), arrived_at=text(at))  # fmt: skip
    if told.logs:
        scene.say("batch-01", "INFO", f'internal-sftp: close "/in/{name}" bytes read 0 written {head_only}',
                  at=max(at, scene.since))  # fmt: skip
        for minutes in (1, 4, 9):
            words = scene.random.choice([
                f"file {name}: 0 records read, sha256 {scene.checksum()}",
                f"input file {name} is empty",
                f"0 rows loaded from {name}",
            ])  # fmt: skip
            scene.say("settlement", "WARN", words, at=scene.since + timedelta(minutes=minutes))
    scene.say_often("reporting", "WARN", ["report # has no rows for today"], every_s=300)
    scene.move("settlement", "requests_per_second", scene.random.uniform(0.3, 0.7))
    scene.true("file-empty", "data", "settlement", name)


def file_sent_twice(scene: Scene, told: Told) -> None:
    """The same file is delivered, and read, a second time; perhaps under another name."""
    kind = _free(scene, ["camt053", "visa_clearing"])
    name, rows, checksum = (
        name_of(kind, scene.since),
        scene.random.randint(900, 9000),
        scene.checksum(),
    )
    again = scene.random.choice(
        [name, name.replace(".csv", "_2.csv"), name.replace(".csv", ".1.csv")]
    )
    scene.forget(name.removesuffix(".csv"))
    for which, at in ((name, scene.later(-60, -20)), (again, scene.later(0, 2))):
        if told.facts:
            scene.see("settlement", "file", which, at=at, size_bytes=rows * 87, rows=rows,
                      checksum=checksum, arrived_at=text(at))  # fmt: skip
        if told.logs:
            file_read(scene, which, at, size=rows * 87, rows=rows, checksum=checksum)
    doubles(scene)
    scene.true("file-sent-twice", "data", "settlement", name, again)


def doubles(scene: Scene) -> None:
    """What comes of work that is done twice: some of it is refused, some is not."""
    if scene.random.random() < 0.7:
        scene.say_often("ledger", "ERROR", [
            'duplicate key value violates unique constraint "posting_ref_key", posting @',
        ], every_s=60)  # fmt: skip
    scene.move(
        "ledger", "requests_per_second", scene.random.uniform(1.5, 2.0), until=scene.later(12, 30)
    )


def missing_reference(scene: Scene, told: Told) -> None:
    """Reference data of today was not loaded, or a key is not in it."""
    table = scene.random.choice(list(TABLES))
    service = scene.random.choice(["ledger", "settlement"])
    key = {"fx_rate": "CHF/SEK", "bic_directory": "POFICHBEXXX", "merchant_fee": "M-40412"}[table]
    if told.facts:
        scene.seen = [
            one for one in scene.seen if one.name != table or one.at < scene.later(-70, -61)
        ]
        scene.see("pay-db", "reference", table, at=scene.later(0, 8), table=table, rows=0, key=key,
                  business_date=f"{scene.since:%Y-%m-%d}")  # fmt: skip
    if told.logs:
        words = scene.random.choice([
            f"no entry in {table} for {key} on {scene.since:%Y-%m-%d}, posting @ rejected",
            f"reference data missing: {table}[{key}] for @",
            f"lookup of {key} in {table} returned no rows, @ parked",
        ])  # fmt: skip
        scene.say_often(service, "ERROR", [words], every_s=20)
    scene.move(service, "availability", scene.random.uniform(0.82, 0.95))
    scene.true("missing-reference-data", "data", table, service)


def _free(scene: Scene, kinds: list[str]) -> str:
    """A kind of file that nothing has happened to yet."""
    hit = " ".join(where for one in scene.truths for where in one.where)
    return scene.random.choice([one for one in kinds if one not in hit] or kinds)
