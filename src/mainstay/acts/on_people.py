"""Who may come in, and as what: roles, invitations, new passwords, sessions, one-time codes."""

from __future__ import annotations

from typing import assert_never

from mainstay import people, signin
from mainstay.acts.commands import (
    ChangePassword,
    CloseAccount,
    ConfirmTotp,
    EndRole,
    EndSession,
    EndSessions,
    GrantRole,
    Invite,
    MakeResetLink,
    MakeSetupLink,
    TurnOffTotp,
)
from mainstay.acts.done import Act, Done
from mainstay.foundation.errors import Conflict, Forbidden, NotFound
from mainstay.foundation.nearest import hint
from mainstay.foundation.record import Fact
from mainstay.people import Grant

OnPeople = (
    MakeSetupLink | Invite | GrantRole | EndRole | MakeResetLink | CloseAccount | EndSession | EndSessions
    | ChangePassword | ConfirmTotp | TurnOffTotp
)  # fmt: skip


def perform(act: Act, command: OnPeople) -> Done:
    """One of the acts on people's accounts and roles."""
    match command:
        case MakeSetupLink():
            return _set_up(act)
        case Invite():
            return _invite(act, command)
        case GrantRole():
            return _grant(act, command)
        case EndRole():
            return _end_role(act, command)
        case MakeResetLink():
            return _reset(act, command.person)
        case CloseAccount():
            return _close(act, command.person)
        case EndSession():
            return _end_session(act, command.session)
        case EndSessions():
            return _end_sessions(act, command.person)
        case ChangePassword():
            return _change_password(act, command)
        case ConfirmTotp():
            person = act.actor.id
            codes, fact = signin.totp.confirm(
                act.tx, person, command.code, ring=act.ground.ring, now=act.now
            )
            return Done(fact.because, person, codes, (fact,))
        case TurnOffTotp():
            _check_account(act, command.person)
            fact = signin.totp.turn_off(act.tx, command.person, actor=act.who)
            return Done(fact.because, command.person, None, (fact,))
    assert_never(command)


# -- who comes in ----------------------------------------------------------------------------------


def _set_up(act: Act) -> Done:
    if signin.has_admin(act.tx):
        raise Conflict(
            "Mainstay is set up: it has an administrator, who invites others in the console. "
            "Here, too: mainstay people invite PERSON --role admin"
        )
    return _link(act, "setup", None, ())


def _invite(act: Act, command: Invite) -> Done:
    person = signin.name_of(command.person)
    _check_person(act, person, outside=command.outside)
    found = signin.account(act.tx, person)
    if found is not None and found.closed_at is None:
        raise Conflict(
            f"{person} has an account already. For a new password: mainstay people reset {person}"
        )
    facts: tuple[Fact, ...] = ()
    if command.role is not None:
        what = Grant(command.role, command.team)
        if people.held_as(act.tx, person, what) is None:
            facts = _grant(act, GrantRole(person, what.role, what.team, command.outside)).facts
    return _link(act, "invite", person, facts)


def _reset(act: Act, person: str) -> Done:
    _check_account(act, person)
    return _link(act, "reset", person, ())


def _link(act: Act, kind: str, person: str | None, facts: tuple[Fact, ...]) -> Done:
    text = signin.make_link(act.tx, kind, person=person, made_by=act.who, now=act.now)
    until = act.when(act.now + signin.VALID[kind])
    whose = f"for {person} " if person else ""
    words = f"{act.actor.id} made a link {whose}{signin.FOR[kind]}, until {until}"
    url = f"{act.ground.limits.public_url or ''}{signin.PATH}{text}"
    fact = act.fact("link.made", person or kind, words)
    return Done(words, person or kind, None, (*facts, fact), secret=url)


def _close(act: Act, person: str) -> Done:
    _check_account(act, person)
    if {one.person for one in people.holders(act.tx)} == {person}:
        raise Forbidden(f"{person} is the last administrator; make somebody else one first.")
    closed = signin.close_account(act.tx, person, actor=act.who, now=act.now)
    ended = _sign_out(act, person, "the account was closed")
    return Done(closed.because, person, None, (closed, *ended))


# -- as what ---------------------------------------------------------------------------------------


def _grant(act: Act, command: GrantRole) -> Done:
    person = signin.name_of(command.person)
    _check_person(act, person, outside=command.outside)
    what = Grant(command.role, command.team)
    people.check_grant(what, teams=act.view.estate.teams)
    if person == act.actor.id:
        raise Forbidden("Nobody gives themselves a role; ask another administrator.")
    row = people.grant(
        act.tx, act.ground.ids, person=person, what=what, by=act.who, now=act.now
    )  # fmt: skip
    words = f"{act.actor.id} made {person} {what}"
    facts = (act.fact("role.granted", person, words),)
    return Done(words, row.id, row, facts + _sign_out(act, person, "other roles"))


def _end_role(act: Act, command: EndRole) -> Done:
    what = Grant(command.role, command.team)
    row = people.held_as(act.tx, command.person, what)
    if row is None:
        held = [str(one.what) for one in people.held(act.tx, command.person)]
        words = f"{command.person} is {' and '.join(held)}" if held else "they have no role"
        raise NotFound(f"{command.person} is not {what}; {words}.")
    people.end_grant(act.tx, row.id, by=act.who, now=act.now)
    words = f"{act.actor.id} took the role {what} from {command.person}"
    facts = (act.fact("role.ended", command.person, words),)
    return Done(words, row.id, row, facts + _sign_out(act, command.person, "other roles"))


def _check_person(act: Act, person: str, *, outside: bool) -> None:
    """NotFound for somebody whom the estate does not name, unless that is meant."""
    known = act.view.estate.people
    if person not in known and not outside:
        raise NotFound(
            f"The estate has no person {person!r}{hint(person, known)}. Somebody who is in no team "
            "and on no call, such as an auditor, comes in as one from outside: --outside.",
            name=person,
        )


def _check_account(act: Act, person: str) -> None:
    found = signin.account(act.tx, person)
    if found is None or found.closed_at is not None:
        raise NotFound(f"{person} has no account; `mainstay people list` shows who has.")


# -- sessions --------------------------------------------------------------------------------------


def _end_session(act: Act, session_id: str) -> Done:
    session = signin.session_by_id(act.tx, session_id)
    may_any = act.actor.has("people.account")
    if session is None or not (may_any or session.person == act.actor.id):
        raise NotFound(f"There is no session {session_id!r} of yours.")
    because = f"{act.actor.id} ended it"
    facts = signin.end_session(act.tx, session, actor=act.who, because=because, now=act.now)
    if not facts:
        raise Conflict("This session is over already.")
    return Done(facts[0].because, session.id, session, facts)


def _end_sessions(act: Act, person: str) -> Done:
    facts = _sign_out(act, person, f"{act.actor.id} ended all of them")
    words = f"{act.actor.id} ended {len(facts)} sessions of {person}"
    return Done(words, person, None, facts)


def _sign_out(act: Act, person: str, because: str) -> tuple[Fact, ...]:
    return signin.end_sessions(act.tx, person, actor=act.who, because=because, now=act.now)


def _change_password(act: Act, command: ChangePassword) -> Done:
    """Every other session ends; the one that asked stays."""
    person = act.actor.id
    _check_account(act, person)
    signin.make_account(
        act.tx, person, hashed=command.hashed, made_by=act.who,
        declared=act.view.estate.people, now=act.now,
    )  # fmt: skip
    words = f"{person} chose a new password"
    ended = signin.end_sessions(
        act.tx, person, actor=act.who, because="a new password", now=act.now,
        but=act.actor.session_id,
    )  # fmt: skip
    return Done(words, person, None, (act.fact("account.password", person, words), *ended))
