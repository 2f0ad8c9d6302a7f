"""Is the commit named that can have made the trouble, and none when none can?"""

from __future__ import annotations

import pytest

from mainstay.diagnosis import CauseClass, Hypothesis, Material, Verdict, diagnose
from mainstay.diagnosis.commits.change import Commit, Deployment, Pattern, Release
from mainstay.diagnosis.commits.effects import effects

ALERT = {"service": "pay", "metric": "error_rate", "fired_at": "2026-11-24T10:00:00Z"}
FIRED_S = 1_795_514_400.0


def released(
    diff: str,
    trouble: str,
    *more: Pattern,
    files: tuple[str, ...] = ("services/pay/a.go",),
    at_s: float = FIRED_S - 600,
    deployed: bool = True,
) -> Material:
    commit = Commit("c0ffee", "mara", at_s - 60, "tidy", files, diff)
    other = Commit("f00d", "noor", at_s - 50, "rename", ("services/pay/b.go",), "-a := 1\n+b := 1")
    out = (Deployment("pay", "c0ffee" if deployed else "x", at_s), Deployment("pay", "f00d", at_s))
    return Material(
        release=Release((commit, other), out, (Pattern(trouble, "pay", 50, 50, True), *more), ALERT)
    )


def blamed(material: Material) -> list[str]:
    return [one.detail for one in diagnose(material).hypotheses if one.verdict is Verdict.LIKELY]


def first(material: Material) -> Hypothesis:
    return diagnose(material).hypotheses[0]


CULPRITS = [
    (
        "-ctx = WithTimeout(ctx, 5*time.Second)\n+ctx = WithTimeout(ctx, 300*time.Millisecond)",
        "context deadline exceeded",
    ),
    ("-  DefaultTTL: 15 * time.Minute,\n+  DefaultTTL: 15 * time.Second,", "cache miss"),
    ("-  max_connections: 100\n+  max_connections: 10", "connection pool exhausted"),
    ("-if resp.Card == nil {\n-  return\n-}\n+use(resp.Card)", "panic: nil pointer dereference"),
    ("+for _, it := range items {\n+  row, err := db.Query(ctx, it.ID)\n+}", "slow request"),
    ("-SELECT * FROM x WHERE a = 1 LIMIT 50\n+SELECT * FROM x WHERE a = 1", "slow query"),
    ("+var seen []Record\n+func f(r Record) { seen = append(seen, r) }", "OOMKilled"),
    ("-  level: info\n+  level: debug", "no space left on device"),
    ('-  Meta string `json:"meta"`\n+  Meta string `json:"metadata"`', "missing field 'meta'"),
    ("+  s.mu.Lock()\n+  defer s.mu.Unlock()", "deadlock detected"),
    ("-  defer rows.Close()", "too many open files"),
    ("-  retries: 2\n+  retries: 20", "429 too many requests: retry storm"),
    ("-  verify: true\n+  verify: false, issuer: b", "x509: certificate signed by unknown"),
    ("+  go func() { work(r) }()", "goroutine count above 10000"),
    ("+DROP INDEX idx_orders_customer;", "slow query: SELECT"),
]


@pytest.mark.parametrize(("diff", "trouble"), CULPRITS)
def test_a_change_is_blamed_for_the_trouble_that_it_makes(diff: str, trouble: str) -> None:
    material = released(diff, trouble)
    assert blamed(material) == ["c0ffee"]
    assert "c0ffee" in first(material).sentence


@pytest.mark.parametrize(("diff", "trouble"), CULPRITS)
def test_the_same_change_is_not_blamed_for_another_trouble(diff: str, trouble: str) -> None:
    assert blamed(released(diff, "disagreement about rounding")) == []


@pytest.mark.parametrize(
    ("diff", "trouble"),
    [("-  timeout: 3s\n+  timeout: 5s", "timeout"),
     ("-  timeout: 5s\n+  timeout: 4s", "timeout"),
     ("-if err != nil {\n-  return err\n-}\n+return wrap(err)", "panic: nil pointer"),
     ("-if r.A == nil {\n+if r.A == nil || r.B {", "panic: nil pointer"),
     ("+cache := lru.New(256)\n+cache.Add(x)", "OOMKilled"),
     ('-log.Info("received", n)\n+log.Info("count", n)', "unknown field 'lat'"),
     ("-  defer rows.Close()\n+  defer cleanup(rows.Close())", "too many open files")],
)  # fmt: skip
def test_tuning_moving_and_renaming_is_innocent(diff: str, trouble: str) -> None:
    assert blamed(released(diff, trouble)) == []


DIFF, TROUBLE = CULPRITS[0]


def test_a_change_that_is_not_out_or_came_after_the_alert_is_not_blamed() -> None:
    assert blamed(released(DIFF, TROUBLE, deployed=False)) == []
    assert blamed(released(DIFF, TROUBLE, at_s=FIRED_S + 60)) == []


def test_a_shared_library_goes_out_with_the_next_deployment() -> None:
    material = released(DIFF, TROUBLE, files=("pkg/client/c.go",), deployed=False)
    assert blamed(material) == ["c0ffee"]


def test_documents_and_tests_are_not_blamed() -> None:
    assert blamed(released(DIFF, TROUBLE, files=("docs/timeouts.md",))) == []
    assert blamed(released(DIFF, TROUBLE, files=("pkg/client/c_test.go",))) == []


def test_settings_alone_are_a_matter_of_configuration() -> None:
    assert first(released(DIFF, TROUBLE)).cause_class is CauseClass.SOFTWARE
    settings = released(DIFF, TROUBLE, files=("services/pay/config.yaml",))
    assert first(settings).cause_class is CauseClass.CONFIGURATION


def test_what_cannot_have_done_it_is_ruled_out_and_says_why() -> None:
    ruled_out = [
        one
        for one in diagnose(released(DIFF, TROUBLE)).hypotheses
        if one.verdict is Verdict.RULED_OUT
    ]
    assert [one.detail for one in ruled_out] == ["f00d"]
    assert ruled_out[0].speaks_against


@pytest.mark.parametrize(
    ("trouble", "more", "kind", "cause_class"),
    [("worker pool saturated", Pattern("handled request", "pay", 9000, 7000, False),
      "traffic-surge", CauseClass.CAPACITY),
     ("aws s3 GetObject failed: ServiceUnavailable (503)", None, "provider-failure",
      CauseClass.THIRD_PARTY),
     ("record validation error: lat out of range", None, "bad-data", CauseClass.DATA),
     ("x509: certificate has expired", None, "expired-certificate", CauseClass.CONFIGURATION),
     ("node not ready: kernel panic", None, "machine-failure", CauseClass.SYSTEM)],
)  # fmt: skip
def test_a_cause_that_is_no_change_is_named(
    trouble: str, more: Pattern | None, kind: str, cause_class: CauseClass
) -> None:
    found = first(released("-a\n+b", trouble, *([more] if more else [])))
    assert (found.kind, found.cause_class, found.detail) == (kind, cause_class, "")


def test_a_few_more_requests_are_no_surge() -> None:
    more = Pattern("handled request", "pay", 9000, 300, False)
    found = diagnose(released("-a\n+b", "worker pool saturated", more))
    assert "traffic-surge" not in [one.kind for one in found.hypotheses]


def test_an_empty_or_foreign_diff_has_no_effects() -> None:
    assert effects("") == []
    assert effects("@@ -1 +1 @@\n context only") == []
