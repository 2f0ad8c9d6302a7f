"""The rows of signing in. The only file with their SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.sealing import Cell, Change


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. The secrets are in no text of it."""

    person: str
    declared: bool
    """Whether the estate has ever named them; then it must go on to, or the account opens nothing."""
    has_password: bool
    has_totp: bool
    made_at: datetime
    made_by: str
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an account is checked against; those of one-time codes are sealed."""

    password: str | None
    totp: str | None
    totp_next: str | None
    totp_step: int


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in, at one browser. `hint`: what the provider wants to hear, sealed."""

    id: str
    person: str
    how: str
    made_at: datetime
    seen_at: datetime
    address: str
    device: str
    hint: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link, without its text. `person` None: whoever uses it says who they are."""

    digest: str
    kind: str
    person: str | None
    made_at: datetime
    made_by: str
    expires_at: datetime
    ended_at: datetime | None = None


# -- accounts --------------------------------------------------------------------------------------


def insert_account(tx: Tx, row: Account) -> None:
    """A new account, or a closed one opened anew, without any secret."""
    tx.run(
        "INSERT INTO signin_account (person, declared, made_at, made_by)"
        " VALUES (:person, :declared, :made_at, :made_by)"
        " ON CONFLICT (person) DO UPDATE SET declared = excluded.declared,"
        " made_at = excluded.made_at, made_by = excluded.made_by, closed_at = NULL",
        person=row.person, declared=int(row.declared), made_at=to_us(row.made_at),
        made_by=row.made_by,
    )  # fmt: skip


def account(tx: Tx, person: str) -> Account | None:
    """The account of a person, whatever its state."""
    row = tx.one("SELECT * FROM signin_account WHERE person = :person", person=person)
    return _account(row) if row else None


def all_accounts(tx: Tx) -> tuple[Account, ...]:
    """Every account, also closed ones, by person."""
    return tuple(_account(row) for row in tx.all("SELECT * FROM signin_account ORDER BY person"))


def secrets(tx: Tx, person: str) -> Secrets | None:
    """What an open account is checked against."""
    row = tx.one(
        "SELECT * FROM signin_account WHERE person = :person AND closed_at IS NULL", person=person
    )
    if row is None:
        return None
    return Secrets(row["password"], row["totp"], row["totp_next"], row["totp_step"] or 0)


def mark_declared(tx: Tx, person: str) -> None:
    """The estate names them now."""
    tx.run("UPDATE signin_account SET declared = 1 WHERE person = :person", person=person)


def write_password(tx: Tx, person: str, hashed: str, *, now: datetime) -> None:
    """The hash of a new password."""
    tx.run(
        "UPDATE signin_account SET password = :hashed, password_at = :now WHERE person = :person",
        hashed=hashed, now=to_us(now), person=person,
    )  # fmt: skip


def close_account(tx: Tx, person: str, *, now: datetime) -> bool:
    """Its secrets are gone with it. False when it was closed before."""
    changed = tx.run(
        "UPDATE signin_account SET closed_at = :now, password = NULL, totp = NULL,"
        " totp_next = NULL WHERE person = :person AND closed_at IS NULL",
        now=to_us(now), person=person,
    )  # fmt: skip
    tx.run("DELETE FROM signin_recovery WHERE person = :person", person=person)
    tx.run("DELETE FROM signin_identity WHERE person = :person", person=person)
    return changed == 1


# -- one-time codes --------------------------------------------------------------------------------


def write_totp_next(tx: Tx, person: str, secret: str) -> None:
    """A secret that is being set up; the one in force stays until it is confirmed."""
    tx.run(
        "UPDATE signin_account SET totp_next = :secret WHERE person = :person",
        secret=secret, person=person,
    )  # fmt: skip


def write_totp(tx: Tx, person: str, secret: str | None, *, step: int) -> None:
    """The secret in force from now on, or none."""
    tx.run(
        "UPDATE signin_account SET totp = :secret, totp_next = NULL, totp_step = :step"
        " WHERE person = :person",
        secret=secret, step=step, person=person,
    )  # fmt: skip


def spend_step(tx: Tx, person: str, step: int) -> bool:
    """Count a time step as used; False when it, or a newer one, was used before."""
    changed = tx.run(
        "UPDATE signin_account SET totp_step = :step WHERE person = :person"
        " AND COALESCE(totp_step, 0) < :step",
        step=step, person=person,
    )  # fmt: skip
    return changed == 1


def write_recovery(tx: Tx, person: str, digests: list[str]) -> None:
    """New recovery codes; the old ones are gone."""
    tx.run("DELETE FROM signin_recovery WHERE person = :person", person=person)
    tx.many(
        "INSERT INTO signin_recovery (digest, person) VALUES (:digest, :person)",
        [{"digest": digest, "person": person} for digest in digests],
    )


def spend_recovery(tx: Tx, person: str, digest: str, *, now: datetime) -> bool:
    """False when there is no such code, or it was used."""
    changed = tx.run(
        "UPDATE signin_recovery SET used_at = :now WHERE person = :person AND digest = :digest"
        " AND used_at IS NULL",
        now=to_us(now), person=person, digest=digest,
    )  # fmt: skip
    return changed == 1


def recovery_n(tx: Tx, person: str) -> int:
    """How many recovery codes are left."""
    return int(
        tx.value(
            "SELECT count(*) FROM signin_recovery WHERE person = :person AND used_at IS NULL",
            person=person,
        )
    )


# -- identities at a provider ----------------------------------------------------------------------


def insert_identity(tx: Tx, *, issuer: str, subject: str, person: str, now: datetime) -> None:
    """Who somebody is there, from now on."""
    tx.run(
        "INSERT INTO signin_identity (issuer, subject, person, made_at)"
        " VALUES (:issuer, :subject, :person, :now)",
        issuer=issuer, subject=subject, person=person, now=to_us(now),
    )  # fmt: skip


def is_tied(tx: Tx, *, issuer: str, person: str) -> bool:
    """Whether somebody at the provider is known to be this person."""
    return bool(
        tx.value(
            "SELECT 1 FROM signin_identity WHERE issuer = :issuer AND person = :person",
            issuer=issuer, person=person,
        )
    )  # fmt: skip


def identity(tx: Tx, *, issuer: str, subject: str) -> str | None:
    """The person whom the provider calls `subject`, or None."""
    found: str | None = tx.value(
        "SELECT person FROM signin_identity WHERE issuer = :issuer AND subject = :subject",
        issuer=issuer, subject=subject,
    )  # fmt: skip
    return found


# -- sessions --------------------------------------------------------------------------------------


def insert_session(tx: Tx, row: Session, *, digest: str) -> None:
    """Only the digest of the cookie is kept."""
    tx.run(
        "INSERT INTO signin_session (id, digest, person, how, made_at, seen_at, address, device)"
        " VALUES (:id, :digest, :person, :how, :made_at, :seen_at, :address, :device)",
        id=row.id, digest=digest, person=row.person, how=row.how, made_at=to_us(row.made_at),
        seen_at=to_us(row.seen_at), address=row.address, device=row.device,
    )  # fmt: skip


def write_hint(tx: Tx, session_id: str, hint: str) -> None:
    """What the provider wants to hear at sign-out, sealed."""
    tx.run("UPDATE signin_session SET hint = :hint WHERE id = :id", hint=hint, id=session_id)


def session_by_digest(tx: Tx, digest: str) -> Session | None:
    """The session that is not ended, of this digest."""
    row = tx.one(
        "SELECT * FROM signin_session WHERE digest = :digest AND ended_at IS NULL", digest=digest
    )
    return _session(row) if row else None


def session_by_id(tx: Tx, session_id: str) -> Session | None:
    """A session, whatever its state."""
    row = tx.one("SELECT * FROM signin_session WHERE id = :id", id=session_id)
    return _session(row) if row else None


def sessions(tx: Tx, person: str | None = None) -> tuple[Session, ...]:
    """The sessions of a person (None: of everybody) that are not ended, newest use first."""
    rows = tx.all(
        "SELECT * FROM signin_session WHERE ended_at IS NULL"
        " AND (:everybody = 1 OR person = :person) ORDER BY seen_at DESC, id",
        person=person or "", everybody=int(person is None),
    )  # fmt: skip
    return tuple(_session(row) for row in rows)


def mark_seen(tx: Tx, session_id: str, *, address: str, now: datetime) -> None:
    """It was used."""
    tx.run(
        "UPDATE signin_session SET seen_at = :now, address = :address WHERE id = :id",
        now=to_us(now), address=address, id=session_id,
    )  # fmt: skip


def mark_ended(tx: Tx, session_id: str, *, because: str, now: datetime) -> bool:
    """False when it was ended before."""
    changed = tx.run(
        "UPDATE signin_session SET ended_at = :now, because = :because, hint = NULL"
        " WHERE id = :id AND ended_at IS NULL",
        now=to_us(now), because=because, id=session_id,
    )  # fmt: skip
    return changed == 1


def delete_sessions(tx: Tx, *, before: datetime, limit: int) -> int:
    """Forget at most `limit` sessions that began before."""
    return tx.run(
        "DELETE FROM signin_session WHERE id IN"
        " (SELECT id FROM signin_session WHERE made_at < :before ORDER BY made_at LIMIT :limit)",
        before=to_us(before), limit=limit,
    )  # fmt: skip


# -- links -----------------------------------------------------------------------------------------


def insert_link(tx: Tx, row: Link) -> None:
    """Only the digest of its text is kept."""
    tx.run(
        "INSERT INTO signin_link (digest, kind, person, made_at, made_by, expires_at)"
        " VALUES (:digest, :kind, :person, :made_at, :made_by, :expires_at)",
        digest=row.digest, kind=row.kind, person=row.person, made_at=to_us(row.made_at),
        made_by=row.made_by, expires_at=to_us(row.expires_at),
    )  # fmt: skip


def link(tx: Tx, digest: str) -> Link | None:
    """The link of this digest, whatever its state."""
    row = tx.one("SELECT * FROM signin_link WHERE digest = :digest", digest=digest)
    return _link(row) if row else None


def invited(tx: Tx, *, now: datetime) -> frozenset[str]:
    """Who has an invitation that still opens something."""
    rows = tx.all(
        "SELECT person FROM signin_link WHERE kind = 'invite' AND ended_at IS NULL"
        " AND expires_at > :now",
        now=to_us(now),
    )
    return frozenset(row["person"] for row in rows)


def end_link(tx: Tx, digest: str, *, now: datetime) -> bool:
    """Used. False when it was before."""
    changed = tx.run(
        "UPDATE signin_link SET ended_at = :now WHERE digest = :digest AND ended_at IS NULL",
        now=to_us(now), digest=digest,
    )  # fmt: skip
    return changed == 1


def end_links(tx: Tx, *, kinds: tuple[str, str], person: str | None, now: datetime) -> None:
    """Replaced: the links of these kinds and this person open nothing any more."""
    one, other = kinds
    tx.run(
        "UPDATE signin_link SET ended_at = :now WHERE (kind = :one OR kind = :other)"
        " AND COALESCE(person, '') = :person AND ended_at IS NULL",
        now=to_us(now), one=one, other=other, person=person or "",
    )  # fmt: skip


def delete_links(tx: Tx, *, before: datetime) -> int:
    """Forget the links that opened nothing any more then."""
    return tx.run("DELETE FROM signin_link WHERE expires_at < :before", before=to_us(before))


# -- tries -----------------------------------------------------------------------------------------


def insert_try(tx: Tx, id: str, *, account: str, source: str, now: datetime) -> None:
    """A try has begun."""
    tx.run(
        "INSERT INTO signin_try (id, account, source, at) VALUES (:id, :account, :source, :now)",
        id=id, account=account, source=source, now=to_us(now),
    )  # fmt: skip


def delete_try(tx: Tx, id: str) -> None:
    """It succeeded."""
    tx.run("DELETE FROM signin_try WHERE id = :id", id=id)


def delete_tries_of(tx: Tx, account: str) -> None:
    """The account starts afresh."""
    tx.run("DELETE FROM signin_try WHERE account = :account", account=account)


def delete_tries(tx: Tx, *, before: datetime) -> int:
    """Forget what no longer counts."""
    return tx.run("DELETE FROM signin_try WHERE at < :before", before=to_us(before))


def tries_of_account(tx: Tx, account: str, *, since: datetime, most: int) -> list[int]:
    """When the newest `most` tries at this account were, newest first, in microseconds."""
    rows = tx.all(
        "SELECT at FROM signin_try WHERE account = :account AND at > :since"
        " ORDER BY at DESC LIMIT :most",
        account=account, since=to_us(since), most=most,
    )  # fmt: skip
    return [row["at"] for row in rows]


def tries_from(tx: Tx, source: str, *, since: datetime, most: int) -> list[int]:
    """When the newest `most` tries from this address were, newest first, in microseconds."""
    rows = tx.all(
        "SELECT at FROM signin_try WHERE source = :source AND at > :since"
        " ORDER BY at DESC LIMIT :most",
        source=source, since=to_us(since), most=most,
    )  # fmt: skip
    return [row["at"] for row in rows]


# -- what is sealed --------------------------------------------------------------------------------


def totp_cell(person: str) -> Cell:
    """Where the secret in force lies."""
    return Cell("signin_account", "totp", person)


def totp_next_cell(person: str) -> Cell:
    """Where the one lies that is being set up."""
    return Cell("signin_account", "totp_next", person)


def hint_cell(session_id: str) -> Cell:
    """Where a session's hint lies."""
    return Cell("signin_session", "hint", session_id)


def secrets_n(tx: Tx) -> int:
    """How many accounts and sessions hold something that is sealed."""
    accounts = "SELECT count(*) FROM signin_account WHERE COALESCE(totp, totp_next) IS NOT NULL"
    hints = "SELECT count(*) FROM signin_session WHERE hint IS NOT NULL"
    return int(tx.value(accounts)) + int(tx.value(hints))


def reseal(tx: Tx, change: Change) -> int:
    """Every sealed value written anew as `change` gives it, or taken away; how many there were."""
    found = 0
    for row in tx.all(
        "SELECT person, totp, totp_next FROM signin_account"
        " WHERE totp IS NOT NULL OR totp_next IS NOT NULL"
    ):
        person, totp, coming = row["person"], row["totp"], row["totp_next"]
        tx.run(
            "UPDATE signin_account SET totp = :totp, totp_next = :coming WHERE person = :person",
            totp=change(totp, totp_cell(person)) if totp else None,
            coming=change(coming, totp_next_cell(person)) if coming else None, person=person,
        )  # fmt: skip
        found += sum(one is not None for one in (totp, coming))
    for row in tx.all("SELECT id, hint FROM signin_session WHERE hint IS NOT NULL"):
        hint = change(row["hint"], hint_cell(row["id"]))
        tx.run("UPDATE signin_session SET hint = :hint WHERE id = :id", hint=hint, id=row["id"])
        found += 1
    return found


# -- rows as values --------------------------------------------------------------------------------


def _account(row: Row) -> Account:
    return Account(
        row["person"], bool(row["declared"]), row["password"] is not None, row["totp"] is not None,
        from_us(row["made_at"]), row["made_by"], _at(row["closed_at"]),
    )  # fmt: skip


def _session(row: Row) -> Session:
    return Session(
        row["id"], row["person"], row["how"], from_us(row["made_at"]), from_us(row["seen_at"]),
        row["address"], row["device"], row["hint"], _at(row["ended_at"]),
    )  # fmt: skip


def _link(row: Row) -> Link:
    return Link(
        row["digest"], row["kind"], row["person"], from_us(row["made_at"]), row["made_by"],
        from_us(row["expires_at"]), _at(row["ended_at"]),
    )  # fmt: skip


def _at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)
