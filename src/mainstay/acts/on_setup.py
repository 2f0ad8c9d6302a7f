"""What people set: overrides, addresses and rules, keys, tokens, the estate itself."""

from __future__ import annotations

from typing import assert_never

from mainstay import checks, estate, oncall, paging, people, signals
from mainstay.acts.commands import (
    AddAddress,
    AddDevice,
    AddOverrides,
    AddRule,
    Apply,
    BeginProof,
    CreateKey,
    CreateToken,
    ProveAddress,
    ReleaseSignal,
    RemoveAddress,
    RemoveOverride,
    RemoveRule,
    RevokeKey,
    RevokeToken,
    RunChecks,
)
from mainstay.acts.done import Act, Done
from mainstay.acts.shift import plan
from mainstay.foundation.errors import Invalid
from mainstay.foundation.nearest import hint
from mainstay.foundation.record import Fact

OnSetup = (
    RunChecks | AddOverrides | RemoveOverride | ReleaseSignal | AddAddress | AddDevice | RemoveAddress | AddRule
    | BeginProof | ProveAddress
    | RemoveRule | CreateKey | RevokeKey | CreateToken | RevokeToken | Apply
)  # fmt: skip


def perform(act: Act, command: OnSetup) -> Done:
    """One of the acts that set something."""
    match command:
        case RunChecks():
            return _run_checks(act, command)
        case AddOverrides():
            return _add_overrides(act, command)
        case RemoveOverride():
            gone = oncall.overrides.remove(act.tx, command.override, now=act.now)
            words = f"{act.actor.id} removed the override of {gone.person} on {gone.schedule}"
            return _done(act, "override.removed", gone.id, words, gone)
        case ReleaseSignal():
            signals.release(act.tx, command.receipt)
            words = f"{act.actor.id} let {command.receipt} try again"
            receipt = command.receipt
            fact = Fact("signal.released", receipt, words, actor=act.who, receipt=receipt)
            return Done(words, receipt, None, (fact,))
        case AddAddress():
            return _add_address(act, command)
        case AddDevice():
            return _add_device(act, command)
        case RemoveAddress():
            own = _own(act)
            removed = people.remove_address(act.tx, command.address, now=act.now, person=own)
            gone_to = removed.address.address
            told = removed.sentence.replace(gone_to, people.masked(gone_to))
            fact = act.fact("address.removed", command.address, told)
            return Done(removed.sentence, command.address, removed.address, (fact,))
        case BeginProof():
            row, code = people.begin_proof(act.tx, command.address, now=act.now, person=_own(act))
            words = f"a code goes to the {row.kind} of {row.person}, to prove that it is theirs"
            return Done(
                words, row.id, row, (act.fact("address.asked", row.id, words),), secret=code
            )
        case ProveAddress():
            proved = people.prove(
                act.tx, command.address, command.code, now=act.now, person=_own(act)
            )
            words = f"{proved.person} has proved their {proved.kind} address"
            return _done(act, "address.proved", proved.id, words, proved)
        case AddRule():
            return _add_rule(act, command)
        case RemoveRule():
            gone_rule = people.remove_rule(act.tx, command.rule, person=_own(act))
            words = f"{act.actor.id} removed a rule of {gone_rule.person}"
            return _done(act, "rule.removed", command.rule, words, gone_rule)
        case CreateKey():
            return _create_key(act, command)
        case RevokeKey():
            key = signals.revoke(act.tx, command.key, now=act.now)
            words = f"{act.actor.id} revoked a key of source {key.source}"
            return _done(act, "key.revoked", key.id, words, key)
        case CreateToken():
            return _create_token(act, command)
        case RevokeToken():
            token = people.revoke_token(act.tx, command.token, now=act.now)
            words = f"{act.actor.id} revoked a token of {token.person}"
            return _done(act, "token.revoked", token.id, words, token)
        case Apply():
            return _apply(act, command)
    assert_never(command)


def _run_checks(act: Act, command: RunChecks) -> Done:
    sheet = act.ground.sheets.of(act.view)
    names = checks.run_now(
        act.tx, sheet, now=act.now, ids=command.ids, tag=command.tag, service=command.service
    )
    told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    words = f"{act.actor.id} has {told or 'nothing'} looked at now"
    fact = act.fact("check.asked", command.tag or command.service or "checks", words)
    return Done(words, "checks", tuple(names), (fact,))


def _add_overrides(act: Act, command: AddOverrides) -> Done:
    made = oncall.overrides.add(
        act.tx,
        act.ground.ids,
        estate=act.view.estate,
        wanted=command.wanted,
        author=act.actor.id,
        now=act.now,
        is_business_day=act.view.is_business_day,
    )
    facts = []
    for one in made:
        instead = f" instead of {one.instead_of}" if one.instead_of else ""
        words = (
            f"{one.person} is on call for {one.schedule}{instead} "
            f"from {act.when(one.starts_at)} "
            f"to {act.when(one.ends_at)}: {one.reason}"
        )
        facts.append(act.fact("override.added", one.id, words))
    return Done("; ".join(f.because for f in facts), made[0].id, made, tuple(facts))


def _add_address(act: Act, command: AddAddress) -> Done:
    row = people.add_address(
        act.tx,
        act.ground.ids,
        person=command.person,
        kind=command.kind,
        address=command.address,
        check=act.ground.check_address,
        people=act.view.estate.people,
        now=act.now,
        secret=command.secret,
        by=act.who,
    )
    words = f"{row.person} can be paged by {row.kind} at"
    fact = act.fact("address.added", row.id, f"{words} {people.masked(row.address)}")
    return Done(f"{words} {row.address}", row.id, row, (fact,))


def _add_device(act: Act, command: AddDevice) -> Done:
    row, before = people.add_device(
        act.tx,
        act.ground.ids,
        person=act.actor.id,
        name=command.name,
        device=people.Device(command.endpoint, command.key, command.secret),
        check=act.ground.check_address,
        people=act.view.estate.people,
        ring=act.ground.ring,
        by=act.who,
        now=act.now,
    )
    if before is not None and before.id == row.id:
        return Done(f"{row.address} rings for {row.person} already.", row.id, row)
    words = f"{row.person} can be paged by push at {row.address}"
    facts = [act.fact("address.added", row.id, words)]
    if before is not None:
        gone = f"{before.address} of {before.person} rings for {row.person} now"
        facts.append(act.fact("address.removed", before.id, gone))
    return Done(words, row.id, row, tuple(facts))


def _add_rule(act: Act, command: AddRule) -> Done:
    rule = people.add_rule(
        act.tx,
        act.ground.ids,
        person=command.person,
        urgency=command.urgency,
        delay_s=command.delay_s,
        address=command.address,
        now=act.now,
    )
    minutes, seconds = divmod(rule.delay_s, 60)
    after = f"{minutes} min" if minutes and not seconds else f"{rule.delay_s} s"
    when = f"after {after}" if rule.delay_s else "at once"
    words = f"pages of {rule.urgency} urgency for {rule.person} go to {rule.address} {when}"
    return _done(act, "rule.added", rule.id, words, rule)


def _create_key(act: Act, command: CreateKey) -> Done:
    sources = act.view.estate.sources
    if command.source not in sources:
        near = hint(command.source, sources)
        raise Invalid(f"No source {command.source!r} in the estate{near}.", pointer="/source")
    secret = signals.create_key(
        act.tx, command.source, ids=act.ground.ids, actor=act.who, now=act.now
    )
    words = f"{act.actor.id} made a key for source {command.source}"
    fact = act.fact("key.created", command.source, words)
    return Done(words, command.source, None, (fact,), secret=secret)


def _create_token(act: Act, command: CreateToken) -> Done:
    made = people.create_token(
        act.tx,
        act.ground.ids,
        person=command.person,
        role=command.role,
        about=command.about,
        people=act.view.estate.people,
        now=act.now,
        team=command.team,
        teams=act.view.estate.teams,
        expires_at=command.expires_at,
    )
    words = f"{act.actor.id} made a token for {command.person} as {command.role}: {command.about}"
    fact = act.fact("token.created", made.token.id, words)
    return Done(words, made.token.id, made.token, (fact,), secret=made.secret)


def _apply(act: Act, command: Apply) -> Done:
    before = act.view.version
    saved = estate.save(act.tx, command.estate, actor=act.who, now=act.now)
    written = _edited(act, command)
    if saved.version == before:
        words = f"Version {before} is in force already; nothing changed."
        return Done(words, str(before), saved, written)
    changes = estate.differences(act.view.estate if before else None, command.estate)
    plan(act.tx, act.ground.views.at(act.tx, saved.version), now=act.now)
    words = f"{act.actor.id} put version {saved.version} in force: {len(changes)} changes"
    if command.rebase:
        words += f"; {paging.rebase(act.tx, saved.version)} running escalations go on under it"
    fact = Fact(
        "estate.applied",
        f"estate:{saved.version}",
        words,
        actor=act.who,
        facts={"digest": saved.digest, "changes": [str(change) for change in changes[:200]]},
    )
    return Done(words, str(saved.version), saved, (*written, fact))


def _edited(act: Act, command: Apply) -> tuple[Fact, ...]:
    """The row of a file that was changed through a door, rather than by somebody's editor."""
    if command.edited is None:
        return ()
    one = command.edited
    words = f"{act.actor.id} changed {one.file} of the estate folder"
    facts = {"before": one.before, "after": one.after}
    return (act.fact("estate.edited", f"file:{one.file}", words, facts=facts),)


def _own(act: Act) -> str | None:
    """The person that an act on addresses is limited to; None for those who may change any."""
    return None if act.actor.has("people.contact_any") else act.actor.id


def _done(act: Act, kind: str, subject: str, words: str, value: object) -> Done:
    return Done(words, subject, value, (act.fact(kind, subject, words),))
