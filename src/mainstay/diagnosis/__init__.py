"""What is the likely cause, and what speaks for and against it?

Material (a folder of files, or a live incident) → evidence → hypotheses → a ranking in words. Start
at `engine.py`; the words of the answer are in `cause.py`, what it works on in `material.py`.
"""

from mainstay.diagnosis.cause import (
    CauseClass,
    Diagnosis,
    Evidence,
    Hypothesis,
    Verdict,
    from_facts,
)
from mainstay.diagnosis.collectors.programs.git import with_git
from mainstay.diagnosis.collectors.reach import Reach
from mainstay.diagnosis.engine import diagnose
from mainstay.diagnosis.folder import Ask, read
from mainstay.diagnosis.journeys import (
    Found,
    Seen,
    Stop,
    Wanted,
    blanks_of,
    check_id,
    find,
)
from mainstay.diagnosis.material import Material, Measure, Phase, Series, Symptom
from mainstay.diagnosis.report import as_html
from mainstay.diagnosis.traces.span import Line

__all__ = [
    "Ask",
    "CauseClass",
    "Diagnosis",
    "Evidence",
    "Found",
    "Hypothesis",
    "Line",
    "Material",
    "Measure",
    "Phase",
    "Reach",
    "Seen",
    "Series",
    "Stop",
    "Symptom",
    "Verdict",
    "Wanted",
    "as_html",
    "blanks_of",
    "check_id",
    "diagnose",
    "find",
    "from_facts",
    "read",
    "with_git",
]
