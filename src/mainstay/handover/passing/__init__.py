"""Passing a shift on: the handover is drafted from the record, edited, offered, accepted."""

from mainstay.handover.passing.by_time import DUE, Looked, alarm_of, facts_of, look
from mainstay.handover.passing.draft import draft, sentence
from mainstay.handover.passing.followups import FollowUp, add, done, followup, open_of
from mainstay.handover.passing.store import Handover, by_id, newest, set_alarmed
from mainstay.handover.passing.taking import accept, content, edit, offer, why_not

__all__ = [
    "DUE",
    "FollowUp",
    "Handover",
    "Looked",
    "accept",
    "add",
    "alarm_of",
    "by_id",
    "content",
    "done",
    "draft",
    "edit",
    "facts_of",
    "followup",
    "look",
    "newest",
    "offer",
    "open_of",
    "sentence",
    "set_alarmed",
    "why_not",
]
