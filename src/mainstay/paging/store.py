"""The tables `paging_*`: every statement on them. Times in microseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mainstay.foundation.db import Row, Tx
from mainstay.foundation.sealing import Cell, Change


class SendState(StrEnum):
    """Where one page to one address stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BUNDLED = "bundled"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Escalation:
    """One policy running for one incident."""

    id: str
    incident: str
    policy: str
    estate_version: int
    started_at: int
    step: int
    round: int
    shadow: int
    reason: str
    state: str
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Send:
    """One page to one address of one person."""

    id: str
    escalation: str | None
    incident: str
    person: str
    address: str
    channel: str
    idempotency_key: str
    step: int
    round: int
    reason: str
    urgency: str
    severity: str
    created_at: int
    due_at: int
    state: SendState
    tries: int = 0
    repeats: int = 0
    attempted_at: int | None = None
    sent_at: int | None = None
    provider_id: str | None = None
    answer: str | None = None
    bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """What a webhook has been told of an incident: every alert up to (`upto_at`, `upto_id`)."""

    incident: str
    address: str
    person: str
    upto_at: int
    upto_id: str
    tells: int


# -- escalations -----------------------------------------------------------------------------------

_ESCALATION = """
INSERT INTO paging_escalation
  (id, incident, policy, estate_version, started_at, step, round, shadow, reason, state, ended_at)
VALUES
  (:id, :incident, :policy, :estate_version, :started_at, :step, :round, :shadow, :reason, :state,
   :ended_at)
"""


def insert_escalation(tx: Tx, escalation: Escalation) -> None:
    """A new run; the unique index refuses a second one of the same policy and incident."""
    tx.run(_ESCALATION, **{name: getattr(escalation, name) for name in Escalation.__slots__})


def escalation(tx: Tx, escalation_id: str) -> Escalation | None:
    """By id."""
    row = tx.one("SELECT * FROM paging_escalation WHERE id = :id", id=escalation_id)
    return None if row is None else _escalation(row)


def running(tx: Tx, incident: str) -> list[Escalation]:
    """The policies that run for an incident."""
    rows = tx.all(
        "SELECT * FROM paging_escalation WHERE incident = :incident AND state = 'running'"
        " ORDER BY started_at, id",
        incident=incident,
    )
    return [_escalation(row) for row in rows]


def escalations(tx: Tx, incident: str, *, limit: int = 200) -> list[Escalation]:
    """Every policy that ran or runs for an incident, oldest first."""
    rows = tx.all(
        "SELECT * FROM paging_escalation WHERE incident = :incident"
        " ORDER BY started_at, id LIMIT :limit",
        incident=incident,
        limit=limit,
    )
    return [_escalation(row) for row in rows]


def running_n(tx: Tx) -> int:
    """How many escalations are under way."""
    return int(tx.value("SELECT count(*) FROM paging_escalation WHERE state = 'running'"))


def is_running(tx: Tx, incident: str, policy: str) -> bool:
    """Whether this policy runs for this incident."""
    return bool(
        tx.value(
            "SELECT 1 FROM paging_escalation"
            " WHERE incident = :incident AND policy = :policy AND state = 'running'",
            incident=incident,
            policy=policy,
        )
    )


def stand(tx: Tx, escalation_id: str, *, step: int, round: int) -> None:
    """Where it stands, for people to see."""
    tx.run(
        "UPDATE paging_escalation SET step = :step, round = :round WHERE id = :id",
        id=escalation_id,
        step=step,
        round=round,
    )


def end_escalation(tx: Tx, escalation_id: str, *, state: str, at: int) -> None:
    """`stopped` (somebody has it, or it is over) or `exhausted` (the policy ran dry)."""
    tx.run(
        "UPDATE paging_escalation SET state = :state, ended_at = :at WHERE id = :id",
        id=escalation_id,
        state=state,
        at=at,
    )


def rebase(tx: Tx, estate_version: int) -> int:
    """Every policy that runs goes on under this version; returns how many."""
    return tx.run(
        "UPDATE paging_escalation SET estate_version = :version"
        " WHERE state = 'running' AND estate_version <> :version",
        version=estate_version,
    )


def turn(tx: Tx, policy: str, step: int) -> int:
    """Round robin: whose turn it is, counted from 0; the next call says one more."""
    return int(
        tx.value(
            "INSERT INTO paging_turn (policy, step, turn) VALUES (:policy, :step, 0)"
            " ON CONFLICT (policy, step) DO UPDATE SET turn = paging_turn.turn + 1"
            " RETURNING turn",
            policy=policy,
            step=step,
        )
    )


# -- the outbox ------------------------------------------------------------------------------------

_SEND = """
INSERT INTO paging_send (
  id, escalation, incident, person, address, channel, idempotency_key, step, round, reason, urgency,
  severity, created_at, due_at, state, tries, repeats, attempted_at, sent_at, provider_id, answer,
  bundle)
VALUES (
  :id, :escalation, :incident, :person, :address, :channel, :idempotency_key, :step, :round,
  :reason, :urgency, :severity, :created_at, :due_at, :state, :tries, :repeats, :attempted_at,
  :sent_at, :provider_id, :answer, :bundle)
ON CONFLICT (idempotency_key) DO NOTHING
"""


def insert_send(tx: Tx, send: Send) -> bool:
    """A new row; False when this very page was planned before (same idempotency key)."""
    return bool(tx.run(_SEND, **{name: getattr(send, name) for name in Send.__slots__}))


def send(tx: Tx, send_id: str) -> Send | None:
    """By id."""
    row = tx.one("SELECT * FROM paging_send WHERE id = :id", id=send_id)
    return None if row is None else _send(row)


def sends_of_incident(tx: Tx, incident: str, *, limit: int = 500) -> list[Send]:
    """Every page of an incident, oldest first."""
    rows = tx.all(
        "SELECT * FROM paging_send WHERE incident = :incident ORDER BY created_at, id LIMIT :limit",
        incident=incident,
        limit=limit,
    )
    return [_send(row) for row in rows]


def siblings(tx: Tx, one: Send) -> list[Send]:
    """Every page that the same firing of a step, or the same act by hand, planned; this one too."""
    rows = tx.all(
        "SELECT * FROM paging_send WHERE incident = :incident"
        " AND coalesce(escalation, '') = :escalation AND step = :step AND round = :round"
        " ORDER BY created_at, id",
        incident=one.incident,
        escalation=one.escalation or "",
        step=one.step,
        round=one.round,
    )
    return [_send(row) for row in rows]


def waiting_of_incident(tx: Tx, incident: str) -> list[Send]:
    """Pages not tried yet, or to be tried again."""
    return [s for s in sends_of_incident(tx, incident) if s.state is SendState.WAITING]


def waiting_of_address(tx: Tx, address: str, *, due_by: int) -> list[Send]:
    """Untried pages to one address that are due, oldest first."""
    rows = tx.all(
        "SELECT * FROM paging_send WHERE address = :address AND state = 'waiting'"
        " AND due_at <= :due_by ORDER BY created_at, id LIMIT 200",
        address=address,
        due_by=due_by,
    )
    return [_send(row) for row in rows]


def last_attempt(tx: Tx, address: str, *, but: str) -> int | None:
    """When this address was last tried, other than by the send `but`."""
    at: int | None = tx.value(
        "SELECT max(attempted_at) FROM paging_send WHERE address = :address AND id <> :but"
        " AND attempted_at IS NOT NULL AND state IN ('sending', 'sent')",
        address=address,
        but=but,
    )
    return at


def first_for_incident(tx: Tx, send_row: Send) -> bool:
    """Whether this address has not been tried for this incident before."""
    return not tx.value(
        "SELECT 1 FROM paging_send WHERE incident = :incident AND address = :address"
        " AND id <> :id AND attempted_at IS NOT NULL",
        incident=send_row.incident,
        address=send_row.address,
        id=send_row.id,
    )


def sending(tx: Tx, send_id: str, *, at: int, repeat: bool) -> None:
    """A try begins."""
    tx.run(
        "UPDATE paging_send SET state = 'sending', tries = tries + 1, attempted_at = :at,"
        " repeats = repeats + :repeat WHERE id = :id",
        id=send_id,
        at=at,
        repeat=int(repeat),
    )


def sent(tx: Tx, send_id: str, *, at: int, provider_id: str | None, answer: str) -> None:
    """The provider took it."""
    tx.run(
        "UPDATE paging_send SET state = 'sent', sent_at = :at, provider_id = :provider_id,"
        " answer = :answer WHERE id = :id",
        id=send_id,
        at=at,
        provider_id=provider_id,
        answer=answer,
    )


def not_sent(tx: Tx, send_id: str, *, state: SendState, answer: str, due_at: int) -> None:
    """The try failed: `waiting` for the next, or `failed` for good."""
    tx.run(
        "UPDATE paging_send SET state = :state, answer = :answer, due_at = :due_at WHERE id = :id",
        id=send_id,
        state=state,
        answer=answer,
        due_at=due_at,
    )


def postpone(tx: Tx, send_id: str, due_at: int) -> None:
    """Not yet: the address has had its page of this minute."""
    tx.run("UPDATE paging_send SET due_at = :due_at WHERE id = :id", id=send_id, due_at=due_at)


def bundled(tx: Tx, send_id: str, carrier: str) -> None:
    """Carried by another page to the same address, with all that it carried itself."""
    tx.run(
        "UPDATE paging_send SET state = 'bundled', bundle = :carrier WHERE id = :id"
        " OR (bundle = :id AND state = 'bundled')",
        id=send_id,
        carrier=carrier,
    )


def unbundle(tx: Tx, carrier: str) -> list[str]:
    """The carrier failed for good: what it carried waits again; returns their ids."""
    rows = tx.all(
        "UPDATE paging_send SET state = 'waiting', bundle = NULL"
        " WHERE bundle = :carrier AND state = 'bundled' RETURNING id",
        carrier=carrier,
    )
    return [row["id"] for row in rows]


def carried_by(tx: Tx, carrier: str) -> list[Send]:
    """The pages that this one carries too."""
    rows = tx.all(
        "SELECT * FROM paging_send WHERE bundle = :carrier ORDER BY created_at, id", carrier=carrier
    )
    return [_send(row) for row in rows]


def cancel_send(tx: Tx, send_id: str, answer: str) -> None:
    """Nobody needs it any more."""
    tx.run(
        "UPDATE paging_send SET state = 'cancelled', answer = :answer WHERE id = :id",
        id=send_id,
        answer=answer,
    )


def unsent(tx: Tx, *, limit: int) -> list[Send]:
    """Pages that wait for a try or for its answer, the most overdue first."""
    rows = tx.all(
        "SELECT * FROM paging_send WHERE state IN ('waiting', 'sending')"
        " ORDER BY due_at LIMIT :limit",
        limit=limit,
    )
    return [_send(row) for row in rows]


def sends_between(tx: Tx, start: int, end: int, *, shadow_only: bool = False) -> list[Send]:
    """The pages planned in a span, oldest first; at most 10,000."""
    rows = tx.all(
        "SELECT * FROM paging_send WHERE created_at >= :start AND created_at < :end"
        " AND (:shadow_only = 0 OR state = 'shadow') ORDER BY created_at, id LIMIT 10000",
        start=start,
        end=end,
        shadow_only=int(shadow_only),
    )
    return [_send(row) for row in rows]


def latest_sends(tx: Tx, *, limit: int) -> list[Send]:
    """The pages planned last, newest first."""
    rows = tx.all(
        "SELECT * FROM paging_send ORDER BY created_at DESC, id DESC LIMIT :limit", limit=limit
    )
    return [_send(row) for row in rows]


def last_sent_to(tx: Tx, address: str) -> Send | None:
    """The newest page that reached this address."""
    row = tx.one(
        "SELECT * FROM paging_send WHERE address = :address AND sent_at IS NOT NULL"
        " ORDER BY sent_at DESC LIMIT 1",
        address=address,
    )
    return None if row is None else _send(row)


# -- webhooks --------------------------------------------------------------------------------------


def feeds(tx: Tx, incident: str) -> list[Feed]:
    """The webhooks that follow an incident, and the devices that rang for it."""
    rows = tx.all("SELECT * FROM paging_feed WHERE incident = :incident", incident=incident)
    return [_feed(row) for row in rows]


def feed(tx: Tx, incident: str, address: str) -> Feed | None:
    """One of them."""
    row = tx.one(
        "SELECT * FROM paging_feed WHERE incident = :incident AND address = :address",
        incident=incident,
        address=address,
    )
    return None if row is None else _feed(row)


def follow(
    tx: Tx, incident: str, address: str, *, person: str, upto: tuple[int, str], told: int
) -> None:
    """This webhook knows every alert up to `upto`, (opened_at, id); `told`: updates to count."""
    tx.run(
        "INSERT INTO paging_feed (incident, address, person, upto_at, upto_id, tells)"
        " VALUES (:incident, :address, :person, :at, :id, :told)"
        " ON CONFLICT (incident, address) DO UPDATE SET upto_at = excluded.upto_at,"
        " upto_id = excluded.upto_id, tells = paging_feed.tells + excluded.tells",
        incident=incident,
        address=address,
        person=person,
        at=upto[0],
        id=upto[1],
        told=told,
    )


def unfollow(tx: Tx, incident: str, address: str) -> None:
    """It is told of this incident no more."""
    tx.run(
        "DELETE FROM paging_feed WHERE incident = :incident AND address = :address",
        incident=incident,
        address=address,
    )


# -- links -----------------------------------------------------------------------------------------


def insert_link(
    tx: Tx, digest: str, *, send: str, incident: str, person: str, expires_at: int
) -> None:
    """A new acknowledge link; only its digest is kept."""
    tx.run(
        "INSERT INTO paging_link (digest, send, incident, person, expires_at)"
        " VALUES (:digest, :send, :incident, :person, :expires_at)",
        digest=digest,
        send=send,
        incident=incident,
        person=person,
        expires_at=expires_at,
    )


def link(tx: Tx, digest: str) -> Row | None:
    """By digest."""
    return tx.one("SELECT * FROM paging_link WHERE digest = :digest", digest=digest)


def use_link(tx: Tx, digest: str, at: int) -> bool:
    """Spend it; False when it was spent before."""
    return bool(
        tx.run(
            "UPDATE paging_link SET used_at = :at WHERE digest = :digest AND used_at IS NULL",
            digest=digest,
            at=at,
        )
    )


# -- our key at push services ------------------------------------------------------------------------


def push_key(tx: Tx) -> str | None:
    """The private key of this install, sealed, if it has one yet."""
    found: str | None = tx.value("SELECT private FROM paging_push_key WHERE number = 1")
    return found


def keep_push_key(tx: Tx, private: str, *, at: int) -> str:
    """The key that is in force from now on, sealed: another node's, if that was first."""
    tx.run(
        "INSERT INTO paging_push_key (number, private, made_at) VALUES (1, :private, :at)"
        " ON CONFLICT DO NOTHING",
        private=private,
        at=at,
    )
    return push_key(tx) or private


PUSH_KEY = Cell("paging_push_key", "private", "1")


def reseal(tx: Tx, change: Change) -> int:
    """Every sealed value written anew as `change` gives it, or taken away; how many there were."""
    private = push_key(tx)
    if private is None:
        return 0
    changed = change(private, PUSH_KEY)
    if changed is None:
        tx.run("DELETE FROM paging_push_key")
    else:
        tx.run("UPDATE paging_push_key SET private = :private", private=changed)
    return 1


# -- rows ------------------------------------------------------------------------------------------


def _escalation(row: Row) -> Escalation:
    return Escalation(**{name: row[name] for name in Escalation.__slots__})


def _send(row: Row) -> Send:
    values = {name: row[name] for name in Send.__slots__}
    values["state"] = SendState(values["state"])
    return Send(**values)


def _feed(row: Row) -> Feed:
    return Feed(**{name: row[name] for name in Feed.__slots__})
