"""Is what several collectors saw one material?"""

from __future__ import annotations

from datetime import UTC, datetime

from mainstay.diagnosis.facts import Fact, FactKind
from mainstay.diagnosis.material import Material, Measure, Phase, Series, Symptom, merged
from mainstay.diagnosis.traces.span import Line

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
SERIES = Series("pay-api", "latency", Measure.LATENCY)
FULL = Fact("batch-01", FactKind.FILESYSTEM, "/var", {"used_share": 1.0}, AT)


def test_everything_is_kept_in_its_order_and_of_single_things_the_first() -> None:
    line = Line("pay-api", "down", 0.0)
    both = merged([
        Material(symptom=Symptom("pay-api"), series=(SERIES,), notes=("no traces",)),
        Material(symptom=Symptom("ledger"), since=AT, facts=(FULL,), calls=frozenset({("a", "b")})),
        Material(logs={Phase.DURING: (line,)}, notes=("no metrics",)),
    ])  # fmt: skip
    assert both.symptom == Symptom("pay-api")
    assert both.since == AT
    assert (both.series, both.facts, both.calls) == ((SERIES,), (FULL,), frozenset({("a", "b")}))
    assert both.logs[Phase.DURING] == (line,)
    assert both.notes == ("no traces", "no metrics")
