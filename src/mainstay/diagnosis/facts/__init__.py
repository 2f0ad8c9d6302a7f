"""What no series and no log line holds: a file that came, a session that waits, a setting of a node.

`fact.py` is the vocabulary. Collectors and readers of folders fill it; rules judge it.
"""

from mainstay.diagnosis.facts.fact import Fact, FactKind

__all__ = ["Fact", "FactKind"]
