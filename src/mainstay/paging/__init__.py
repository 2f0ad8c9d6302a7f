"""Paging: policies that run, an outbox to named people, and channels that reach them."""

from mainstay.paging.escalate import (
    FALLBACK,
    SEND_DUE,
    STEP_DUE,
    Fired,
    escalate_now,
    fire,
    page_by_hand,
    start,
    stop,
)
from mainstay.paging.feed import FEED_DUE, Update, tell
from mainstay.paging.feed import begin as begin_update
from mainstay.paging.feed import finish as finish_update
from mainstay.paging.links import Link, spend
from mainstay.paging.links import read as read_link
from mainstay.paging.send import LEASE_S, Finished, Limits, Prepared, begin, finish
from mainstay.paging.shadow import Comparison, compare
from mainstay.paging.store import (
    Escalation,
    Send,
    SendState,
    escalation,
    escalations,
    keep_push_key,
    last_sent_to,
    latest_sends,
    push_key,
    rebase,
    running,
    running_n,
    send,
    sends_between,
    sends_of_incident,
    unsent,
)

__all__ = [
    "FALLBACK",
    "FEED_DUE",
    "LEASE_S",
    "SEND_DUE",
    "STEP_DUE",
    "Comparison",
    "Escalation",
    "Finished",
    "Fired",
    "Limits",
    "Link",
    "Prepared",
    "Send",
    "SendState",
    "Update",
    "begin",
    "begin_update",
    "compare",
    "escalate_now",
    "escalation",
    "escalations",
    "finish",
    "finish_update",
    "fire",
    "keep_push_key",
    "last_sent_to",
    "latest_sends",
    "page_by_hand",
    "push_key",
    "read_link",
    "rebase",
    "running",
    "running_n",
    "send",
    "sends_between",
    "sends_of_incident",
    "spend",
    "start",
    "stop",
    "tell",
    "unsent",
]
