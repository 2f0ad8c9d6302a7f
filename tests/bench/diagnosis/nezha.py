"""Nezha (Yu et al., 2023): the minute two after the fault beside a fault-free one.

AIS: the service and, inside of it, the pair of log statements or the resource. A case is cut out of
its day: the logs and traces of its minute, the metrics of three minutes, the fault-free minute.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cases import Case, Outcome, ask, class_said, first_words, place_of

from mainstay.diagnosis.traces.span import workload_of

RESOURCES = {"cpu-growth": "CpuUsageRate(%)", "network-delay": "NetworkP90(ms)",
             "memory-growth": "MemoryUsageRate(%)"}  # fmt: skip
CLASSES = {"cpu_contention": "system failure", "cpu_consumed": "system failure",
           "network_delay": "network", "return": "software bug",
           "exception": "software bug"}  # fmt: skip
MINUTES = timedelta(minutes=3)


def cases(data: Path) -> Iterator[Case]:
    """Every fault of every day whose minute was recorded with traces."""
    for listed in sorted((data / "nezha" / "rca_data").glob("*/*-fault_list.json")):
        day = listed.parent.name
        system = "TrainTicket" if day.startswith("2023") else "OnlineBoutique"
        for fault in (one for hour in json.loads(listed.read_text()).values() for one in hour):
            name = f"nezha/{day}/{fault['inject_time'][11:].replace(':', '-')}"
            minute = _minute(fault)
            if not (listed.parent / "trace" / f"{minute}_trace.csv").exists():
                continue
            groups = (f"{system}, all faults", f"{system}, {fault['inject_type']}")
            yield Case(name, groups, lambda d=listed.parent, f=fault: _judge(d, f))


def _minute(fault: dict[str, str]) -> str:
    at = _at(fault) + timedelta(minutes=2)
    return f"{at:%H_%M}"


def _at(fault: dict[str, str]) -> datetime:
    return datetime.fromisoformat(fault["inject_time"]).replace(tzinfo=UTC)


def _judge(day: Path, fault: dict[str, str]) -> Outcome:
    system = "ts" if day.name.startswith("2023") else "hipster"
    labels = json.loads(
        (day.parents[1] / "construct_data" / f"root_cause_{system}.json").read_text()
    )
    service, kind = workload_of(fault["inject_pod"]), fault["inject_type"]
    wanted = (service, labels.get(service, {}).get(kind, ""))
    with tempfile.TemporaryDirectory() as folder:
        _cut(day, fault, Path(folder))
        answer = ask(Path(folder), "--at", _at(fault).isoformat())
    found = [
        (one["where"], RESOURCES.get(one["kind"]) or (one["detail"] or "").replace(" → ", "_"))
        for one in answer["hypotheses"]
    ]
    words = f"wanted {wanted} ({kind}); {first_words(answer)} {(answer['hypotheses'] or [{}])[0].get('detail')}"
    return Outcome(place_of(wanted, found), words, (CLASSES[kind], class_said(answer)))


def _cut(day: Path, fault: dict[str, str], folder: Path) -> None:
    quiet = day.parents[1] / "construct_data" / day.name
    other = sorted((day.parents[1] / "construct_data").glob(f"{day.name[:7]}-*"))
    for what in ("log", "trace"):
        _link(day / what / f"{_minute(fault)}_{what}.csv", folder / "bad")
        good = [file for place in (quiet, *other) for file in sorted((place / what).glob("*.csv"))]
        if good:
            _link(good[0], folder / "good")
    for file in sorted((quiet / "metric").glob("*_metric.csv")):
        _link(file, folder / "good")
    for file in sorted((day / "metric").glob("*_metric.csv")):
        _rows(file, folder / "bad" / file.name, _at(fault))


def _link(file: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    if file.exists():
        (folder / file.name).symlink_to(file)


def _rows(file: Path, to: Path, at: datetime) -> None:
    first, last = (at + timedelta(minutes=1)).timestamp(), (at + MINUTES).timestamp() + 10
    with file.open(newline="") as text, to.open("w", newline="") as out:
        rows = csv.reader(text)
        head = next(rows)
        time = head.index("TimeStamp")
        writer = csv.writer(out)
        writer.writerow(head)
        writer.writerows(row for row in rows if first <= float(row[time]) <= last)
