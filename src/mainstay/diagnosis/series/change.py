"""How much a series changed, robustly: median and MAD, so that a few outliers move nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

from mainstay.diagnosis.material import Points, Series

MAD_TO_SIGMA = 1.4826
"""The MAD of a normal distribution, times this, is its standard deviation (Rousseeuw, 1993)."""
FLOOR_SHARE = 0.02
"""A series is never taken to be steadier than this share of its level."""
SEGMENT_MIN = 3
"""Values on each side of a change point."""


@dataclass(frozen=True, slots=True)
class Change:
    """From which level to which, and how many times its usual wander that is."""

    was: float
    now: float
    wander: float

    @property
    def score(self) -> float:
        """Signed: positive when the series rose."""
        return (self.now - self.was) / self.wander

    @property
    def ratio(self) -> float:
        """Now over then; 1 where there was nothing and is nothing."""
        if self.was == 0:
            return 1.0 if self.now == 0 else float("inf")
        return self.now / self.was


def values(points: Points) -> list[float]:
    """The values alone."""
    return [value for _, value in points]


def wander(sample: Sequence[float]) -> float:
    """The robust standard deviation of a fault-free sample: the larger of the MAD's and half the
    plain one (a series that mostly stands still has a MAD of 0)."""
    if len(sample) < 2:
        return 0.0
    middle = median(sample)
    mad = median([abs(one - middle) for one in sample]) * MAD_TO_SIGMA
    mean = sum(sample) / len(sample)
    plain = (sum((one - mean) ** 2 for one in sample) / len(sample)) ** 0.5
    return float(max(mad, plain / 2))


def change(series: Series) -> Change | None:
    """How the series changed; None when one side has no values.

    The level before is that of the same day where there is one; how much it wanders is learned
    from all that is free of faults.
    """
    quiet = values(series.before) or values(series.usual)
    during = values(series.during)
    if not quiet or not during:
        return None
    was, now = median(quiet), median(during)
    wanders = max(wander(values(series.usual)), wander(values(series.before)))
    return Change(was, now, max(wanders, FLOOR_SHARE * abs(was), TINY))


def rarity(usual: Sequence[float], before: int, during: int, move: float) -> float:
    """In which share of the usual stretches of the same lengths the mean rose by as much, 0..1.

    0.0 where too little is known to say (fewer than RARE_WINDOWS stretches).
    """
    sums = [0.0, *accumulate(usual)]
    count = len(usual) - before - during + 1
    if count < RARE_WINDOWS or not before or not during:
        return 0.0
    as_much = sum(
        (sums[at + before + during] - sums[at + before]) / during
        - (sums[at + before] - sums[at]) / before
        >= move
        for at in range(count)
    )
    return as_much / count


RARE_WINDOWS = 50
TINY = 1e-9


def change_point(sample: Sequence[float]) -> tuple[int, float]:
    """(index of the first value of the new level, how clear it is); (0, 0.0) when there is none.

    The cut that lowers the sum of squares the most (one step of binary segmentation), in one pass
    over running sums; the first of equals. Clarity is the share of the variance that it explains.
    """
    count = len(sample)
    if count < 2 * SEGMENT_MIN:
        return 0, 0.0
    total, mean = sum(sample), sum(sample) / count
    spread = sum((one - mean) ** 2 for one in sample)
    if spread <= TINY * max(1.0, mean * mean):
        return 0, 0.0
    best, at, left = 0.0, 0, 0.0
    for index, one in enumerate(sample[: count - SEGMENT_MIN], start=1):
        left += one
        if index < SEGMENT_MIN:
            continue
        gap = left / index - (total - left) / (count - index)
        explained = gap * gap * index * (count - index) / count
        if explained > best * (1 + TINY):
            best, at = explained, index
    return (at, best / spread) if at else (0, 0.0)
