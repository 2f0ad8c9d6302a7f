"""The nodes: which programs work on this database, each by its own heartbeat.

A node is one start of one program; started again, it is another. Host and data folder are its
place: the folder is locked, so whoever starts there knows that the one before has ended.
"""

from __future__ import annotations

from mainstay.nodes.node import LOST_AFTER, Node, Standing
from mainstay.nodes.store import beat, forget, join, known, leave, move

SETTLE = "settle"
"""The lease of the one node that settles, seals and lets time pass."""

__all__ = [
    "LOST_AFTER",
    "SETTLE",
    "Node",
    "Standing",
    "beat",
    "forget",
    "join",
    "known",
    "leave",
    "move",
]
