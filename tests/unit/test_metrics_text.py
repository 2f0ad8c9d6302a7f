"""Are figures written as Prometheus' text format wants them?"""

from __future__ import annotations

from mainstay.foundation.observe.metrics import Counter, Gauge, Histogram, rendered


def test_a_counter_shows_its_series_in_order_and_escapes_what_stands_in_labels() -> None:
    pages = Counter("pages_total", "Pages.\nAll.", ("channel", "why"))
    pages.add("sms", 'a"b\\c\nd')
    pages.add("mail", "", n=2)
    assert rendered([pages]).decode() == (
        "# HELP pages_total Pages.\\nAll.\n# TYPE pages_total counter\n"
        'pages_total{channel="mail",why=""} 2\n'
        'pages_total{channel="sms",why="a\\"b\\\\c\\nd"} 1\n'
    )


def test_a_bucket_counts_all_that_is_at_most_its_bound() -> None:
    lag = Histogram("lag_seconds", "Lag.", bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        lag.observe(value)
    lines = rendered([lag]).decode().splitlines()[2:]
    assert lines == [
        'lag_seconds_bucket{le="0.1"} 2', 'lag_seconds_bucket{le="1"} 3',
        'lag_seconds_bucket{le="+Inf"} 4', "lag_seconds_sum 7.65", "lag_seconds_count 4",
    ]  # fmt: skip


def test_a_gauge_without_labels_and_a_family_without_a_value() -> None:
    assert rendered([Gauge("up", "Up.", values={(): 1.5})]).endswith(b"\nup 1.5\n")
    assert rendered([Counter("none_total", "None.")]).count(b"\n") == 2
