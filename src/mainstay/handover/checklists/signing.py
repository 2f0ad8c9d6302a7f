"""Signing: who may, what is signed, and that it never changes after. And waivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from mainstay import oncall
from mainstay.estate import Checklist, View
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Forbidden, Invalid
from mainstay.foundation.ids import Ids
from mainstay.handover import shifts
from mainstay.handover.checklists import store
from mainstay.handover.checklists.answering import TEXT_MAX
from mainstay.handover.checklists.lines import DONE, Line, checklist_of, lines
from mainstay.handover.checklists.store import Run, Signature, Waiver
from mainstay.handover.checklists.verdict import Verdict, verdict

_STABLE = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature did. `whole`: no more is needed."""

    run: Run
    verdict: Verdict
    digest: str
    whole: bool
    number: int


def sign(
    tx: Tx, view: View, run: Run, *, person: str, is_lead: bool, note: str, now: datetime
) -> Signed:
    """One more signature under the evidence. Conflict while something stands against it.

    The first signature freezes the evidence; where two sign, the second signs the very same.
    `is_lead`: they hold the role lead for the team, and may sign whoever else should.
    """
    rules = checklist_of(view, run.checklist)
    if not run.is_open:
        raise Conflict(f"{run.checklist} of {run.day} is {run.state} already.")
    check_signer(tx, view, run, person=person, is_lead=is_lead, now=now)
    found = lines(tx, view, run, now=now)
    stands = verdict(view, found)
    evidence, digest = run.evidence, run.evidence_hash
    if evidence is None or digest is None:
        _check_ready(run, found)
        evidence = _STABLE(_sheet(rules, run, found, stands, now)).decode()
        digest = sha256(evidence.encode()).hexdigest()
        store.freeze(tx, run.id, evidence=evidence, digest=digest)
    number = len(store.signatures(tx, run.id)) + 1
    store.sign(tx, run.id, Signature(number, person, now, note.strip()[:TEXT_MAX]))
    whole = number >= rules.signoff.signers
    if whole:
        if run.due_state is None:  # in time: as it stood now is how it stood when it was due
            for line in found:
                store.item_at_due(tx, run.id, line.key, line.state)
            store.stand_at_due(tx, run.id, state="signed", because=stands.sentence)
        store.end_run(tx, run.id, state="signed", at=now)
    after = store.run_by_id(tx, run.id)
    assert after is not None
    return Signed(after, stands, digest, whole, number)


def check_signer(
    tx: Tx, view: View, run: Run, *, person: str, is_lead: bool, now: datetime
) -> None:
    """Forbidden, saying who may, when this person may not sign this run."""
    rules = checklist_of(view, run.checklist)
    if not is_lead and person not in (who := signers(tx, view, rules, now=now)):
        raise Forbidden(
            f"{run.checklist} is signed by {rules.signoff.by}: {' or '.join(who) or 'nobody now'}; "
            f"or by whoever holds the role lead for team {run.team}."
        )
    if any(one.person == person for one in store.signatures(tx, run.id)):
        raise Forbidden(
            f"{person} has signed it already; {run.checklist} needs two different people."
        )
    previous = store.last_signed(tx, run.checklist, run.day)
    if rules.signoff.not_ is None or previous is None:
        return
    before = {one.person for one in store.signatures(tx, previous.id)}
    if person in before:
        raise Forbidden(
            f"{person} signed {run.checklist} of {previous.day} too; "
            "somebody else signs this time (not: previous-signer)."
        )


def signers(tx: Tx, view: View, rules: Checklist, *, now: datetime) -> list[str]:
    """Who signs a checklist now, beside the leads."""
    team = view.estate.teams[rules.team]
    if rules.signoff.by == "team":
        return list(team.members)
    if (target := rules.signoff.target) is not None:
        found = oncall.on_call_for(
            tx, view.estate, target=target, at=now, is_business_day=view.is_business_day
        )
        return [one.person for one in found.people]
    now_on = [shifts.staffing(tx, view, one) for one in shifts.at(view, rules.team, now)]
    return [one.lead for one in now_on if one.lead is not None]


def reopen(tx: Tx, run: Run) -> None:
    """Take the first signature back, so that things can change. Conflict when there is none alone."""
    if run.state != "half signed":
        raise Conflict(f"{run.checklist} of {run.day} is {run.state}; no signature waits alone.")
    store.unsign(tx, run.id)
    store.freeze(tx, run.id, evidence=None, digest=None)


def _check_ready(run: Run, found: list[Line]) -> None:
    against = [one for one in found if one.state not in (*DONE, "at risk")]
    if against:
        said = "; ".join(f"{one.title} ({one.state})" for one in against[:5])
        more = f" and {len(against) - 5} more" if len(against) > 5 else ""
        raise Conflict(
            f"{run.checklist} of {run.day} cannot be signed: {said}{more}. "
            "Mend it, or let a lead waive it, with an owner, a reason and an end.",
            items=[one.key for one in against],
        )


def sheet(tx: Tx, view: View, run: Run, *, now: datetime) -> dict[str, Any]:
    """The whole run for a reader: as it was signed, or as it stands now."""
    if run.evidence is not None:
        frozen: dict[str, Any] = msgspec.json.decode(run.evidence)
        return frozen
    found = lines(tx, view, run, now=now)
    rules = checklist_of(view, run.checklist)
    return _sheet(rules, run, found, verdict(view, found), now)


def _sheet(
    rules: Checklist, run: Run, found: list[Line], stands: Verdict, now: datetime
) -> dict[str, Any]:
    """Everything that a signer sees, for JSON."""
    return {
        "run": run.id, "checklist": run.checklist, "name": rules.name or run.checklist,
        "business_day": run.day.isoformat(), "team": run.team,
        "estate_version": run.estate_version, "opened_at": to_text(run.opened_at),
        "due_at": to_text(run.due_at), "seen_at": to_text(now),
        "verdict": stands.state, "sentence": stands.sentence, "at_risk": list(stands.risk),
        "items": [_item(one) for one in found],
    }  # fmt: skip


def _item(line: Line) -> dict[str, Any]:
    waiver = line.waiver
    return {
        "item": line.key, "title": line.title, "kind": line.kind, "state": line.state,
        "because": line.because, "answers": line.answers, "by": line.author,
        "at": None if line.at is None else to_text(line.at),
        "files": [
            {"id": one.id, "name": one.name, "bytes": one.size, "sha256": one.sha256}
            for one in line.files
        ],
        "waiver": None if waiver is None else {
            "id": waiver.id, "owner": waiver.owner, "reason": waiver.reason, "by": waiver.author,
            "until": to_text(waiver.ends_at), "would_be": line.would_be,
        },
    }  # fmt: skip


# -- waivers ---------------------------------------------------------------------------------------


def waive(
    tx: Tx, ids: Ids, view: View, checklist: str, item: str, *, owner: str, reason: str,
    ends_at: datetime, author: str, now: datetime,
) -> Waiver:  # fmt: skip
    """An item counts as done until `ends_at`, at most as long as the checklist allows."""
    rules = checklist_of(view, checklist)
    keys = rules.keys
    if item not in keys:
        raise Invalid(f"{checklist} has no item {item[:60]!r}; it has {', '.join(keys)}.",
                      pointer="/item")  # fmt: skip
    if owner not in view.estate.people:
        raise Invalid(f"The estate has no person {owner[:60]!r}.", pointer="/owner")
    if not reason.strip() or len(reason) > TEXT_MAX:
        raise Invalid(f"A waiver says why, in at most {TEXT_MAX:,} characters.", pointer="/reason")
    if not rules.waivers:
        raise Invalid(f"{checklist} allows no waivers (waivers: 0).", pointer="/item")
    if not now < ends_at <= now + timedelta(days=rules.waivers):
        raise Invalid(
            f"A waiver of {checklist} ends within {rules.waivers} days from now.",
            pointer="/ends_at",
        )
    if any(one.item == item for one in store.waivers(tx, checklist=checklist, at=now)):
        raise Conflict(f"{item} is waived already; end that waiver first.")
    waiver = Waiver(
        id=ids.new("wvr", now), checklist=checklist, item=item, owner=owner,
        reason=reason.strip(), starts_at=now, ends_at=ends_at, author=author,
    )  # fmt: skip
    store.insert_waiver(tx, waiver)
    return waiver
