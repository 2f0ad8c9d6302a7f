"""The diagnosis of what is going on: an incident, or a service and a stretch of time.

    ask       a run is planned, as a due row                        (`made.ask`)
    gather    all collectors at once, within a budget                (`gather.Workers`)
    conclude  the engine's ranking, and what was seen before         (`made.conclude`, `past`)
    keep      the result, and by what it can be found again          (`made.keep`)

The loop is `diagnosing.py`; nothing here waits for anybody but the collectors.
"""

from mainstay.diagnosis.collectors.own import Alerts, Changes, Checks, Declared
from mainstay.diagnosis.live.business import business_sentence
from mainstay.diagnosis.live.case import Case, case_of
from mainstay.diagnosis.live.gather import Workers
from mainstay.diagnosis.live.made import (
    RUN_DUE,
    Shown,
    ask,
    ask_about,
    conclude,
    keep,
    shown,
    shown_run,
)
from mainstay.diagnosis.live.past import CONFIRMED, RULED_OUT, Before
from mainstay.diagnosis.store import Run, RunState, failed, judge, progress, run, under_way

__all__ = [
    "CONFIRMED",
    "RULED_OUT",
    "RUN_DUE",
    "Alerts",
    "Before",
    "Case",
    "Changes",
    "Checks",
    "Declared",
    "Run",
    "RunState",
    "Shown",
    "Workers",
    "ask",
    "ask_about",
    "business_sentence",
    "case_of",
    "conclude",
    "failed",
    "judge",
    "keep",
    "progress",
    "run",
    "shown",
    "shown_run",
    "under_way",
]
