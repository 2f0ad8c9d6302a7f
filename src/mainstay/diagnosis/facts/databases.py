"""Who waits for whom: sessions, statements, pools and queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.facts.look import OBSERVED, USUAL, Look, figure, hypothesis, seen, word
from mainstay.diagnosis.facts.machines import is_heap

WAITS_S = 20.0
"""A session that waits shorter than this for another waits as sessions do."""
SLOWER = 3.0
GROWS = 1.5


def blocked_sessions(look: Look) -> Iterator[Hypothesis]:
    """Sessions wait for one that does not wait itself: that one is the cause."""
    places: dict[str, dict[str, Fact]] = {}
    for one, _ in look.pairs(FactKind.SESSION):
        places.setdefault(one.where, {})[one.name] = one
    for where, sessions in sorted(places.items()):
        waiters = [
            s for s in sessions.values() if word(s, "waits_for") and figure(s, "seconds") >= WAITS_S
        ]
        for root, count in Counter(_root(one, sessions) for one in waiters).most_common(2):
            holder = sessions.get(root)
            longest = max(waiters, key=lambda s: figure(s, "seconds"))
            who = f"Session {root}" + (
                f" of {word(holder, 'user')}" if word(holder, "user") else ""
            )
            yield hypothesis(
                longest, "blocked-session", CauseClass.SYSTEM, f"{who} in {where} holds what {count} others wait for.",
                says=f"{count} sessions wait for it, one for {figure(longest, 'seconds'):.0f} s.", detail=root,
                more=[seen(holder, f"It is {word(holder, 'state') or 'there'}, for {figure(holder, 'seconds'):.0f} s: {word(holder, 'statement')[:100]}")] if holder else [],
                since=min((s.at for s in waiters if s.at), default=look.since),
                confirm=f"pg_blocking_pids in {where}; ask whose session {root} is before you end it.",
            )  # fmt: skip


def _root(one: Fact, sessions: Mapping[str, Fact]) -> str:
    passed = {one.name}
    name = word(one, "waits_for")
    while name in sessions and word(sessions[name], "waits_for") and name not in passed:
        passed.add(name)
        name = word(sessions[name], "waits_for")
    return name


def changed_plans(look: Look) -> Iterator[Hypothesis]:
    """A statement has another plan than before, and is much slower."""
    for one, was in look.pairs(FactKind.STATEMENT):
        now_s, was_s = figure(one, "mean_s"), figure(was, "mean_s")
        if was is None or word(one, "plan") == word(was, "plan") or now_s < SLOWER * was_s:
            continue
        rows, were = figure(one, "rows_read"), figure(was, "rows_read")
        read = (
            [seen(one, f"It reads {rows:,.0f} rows a call; {were:,.0f} before.")]
            if rows > were
            else []
        )
        yield hypothesis(
            one, "plan-change", CauseClass.SYSTEM, f"“{one.name[:80]}” in {one.where} got another plan, and is slow.",
            says=f"{word(was, 'plan')} before ({was_s:.3f} s), {word(one, 'plan')} now ({now_s:.2f} s).", more=read,
            since=look.first(one, "plan", one.values.get("plan")),
            confirm=f"EXPLAIN it in {one.where}; when were its tables analysed, and what was changed?",
        )  # fmt: skip


def exhausted_pools(look: Look) -> Iterator[Hypothesis]:
    """Everything is lent out and somebody waits; a full pool that nobody waits for is only full."""
    for one, was in look.pairs(FactKind.POOL):
        size, waiting = figure(one, "size"), figure(one, "waiting")
        if is_heap(one) or not size or figure(one, "in_use") < size or not waiting:
            continue
        rose = was is None or waiting > 2 * figure(was, "waiting")
        yield hypothesis(
            one, "pool-exhausted", CauseClass.CAPACITY, f"{one.where} has lent out all {size:.0f} of its pool {one.name}.",
            says=f"{figure(one, 'in_use'):.0f} of {size:.0f} in use, {waiting:.0f} wait; {figure(was, 'waiting'):.0f} waited before.",
            score=(OBSERVED if waiting > size / 4 else 0.8) if rose else USUAL, detail=one.where,
            since=look.began(one, lambda f: figure(f, "waiting") > 0),
            confirm="Who holds the connections, and for how long: more load, a leak, or a slow answer behind?",
        )  # fmt: skip


def stuck_queues(look: Look) -> Iterator[Hypothesis]:
    """The same message stays at the head while the queue grows."""
    queues: dict[tuple[str, str], list[Fact]] = {}
    for one in look.during(FactKind.QUEUE):
        queues.setdefault((one.where, one.name), []).append(one)
    for rows in queues.values():
        first, last = rows[0], rows[-1]
        stands = len(rows) > 1 and word(first, "head") == word(last, "head") != ""
        if not stands or figure(last, "depth") < GROWS * max(1.0, figure(first, "depth")):
            continue
        alone = figure(last, "consumers") == 0
        why = (
            "nobody takes from it"
            if alone
            else f"message {word(last, 'head')} at its head is not worked off"
        )
        yield hypothesis(
            last, "stuck-queue", CauseClass.SYSTEM if alone else CauseClass.DATA, f"The queue {last.name} stands still: {why}.",
            says=f"{figure(first, 'depth'):,.0f} → {figure(last, 'depth'):,.0f} messages, {figure(last, 'consumers'):.0f} consumers.",
            more=[Evidence(f"The head was the same message {len(rows)} times.")], since=first.at,
            confirm="The consumer's log at that message." if not alone else "Is the consumer up, and in its group?",
        )  # fmt: skip
