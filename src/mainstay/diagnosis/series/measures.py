"""What a metric measures, told from its name, as a person who reads it would."""

from __future__ import annotations

import re

from mainstay.diagnosis.material import Measure

_WORDS = (
    (Measure.OTHER, r"^node"),  # of the machine, not of what runs there
    (Measure.NETWORK, r"network.*(p\d\d|delay|latency|rtt)|rtt|retransmit|packet"),
    (Measure.AVAILABILITY, r"availab|success"),
    (Measure.ERRORS, r"error|fault|fail|5xx|exception|timeout|rejected|oom|restart"),
    (Measure.LATENCY, r"laten|duration|response.?time|(^|_)lat(_|$)|p9[059]|wait"),
    (Measure.CPU, r"cpu"),
    (Measure.MEMORY, r"mem|heap|rss"),
    (Measure.DISK, r"disk|inode|filesystem|iops"),
    (Measure.REQUESTS, r"request|workload|(^|_)lod(_|$)|load|qps|rps|throughput|per_second|rate$"),
)
_COMPILED = tuple((measure, re.compile(words, re.IGNORECASE)) for measure, words in _WORDS)


def measure_of(name: str) -> Measure:
    """The measure of a metric's name; the first that fits, OTHER when none does."""
    return next((m for m, words in _COMPILED if words.search(name)), Measure.OTHER)
