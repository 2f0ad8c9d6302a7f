"""The rows of people: addresses, rules, roles, tokens. The only file with their SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.foundation.sealing import Cell, Change
from mainstay.people.roles import Grant

DEVICE = "push"
"""The kind of an address that is a device."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a browser subscribed with (the Push API's PushSubscription); base64url. None of it is shown.

    As it is stored, its `secret` is sealed: `device_secret` opens it.
    """

    endpoint: str = field(repr=False)
    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a person can be reached. `secret` refers to one (`env:`, `file:`), and is none."""

    id: str
    person: str
    kind: str
    address: str
    secret: str | None
    created_at: datetime
    removed_at: datetime | None = None
    added_by: str | None = None
    """Who set it, as the record names them; None: before that was kept."""
    verified_at: datetime | None = None
    """When its owner proved that it is theirs."""
    device: Device | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A code that was sent to an address, as its digest."""

    digest: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """Use this address `delay_s` seconds after a page of this urgency was due to the person."""

    id: str
    person: str
    urgency: str
    delay_s: int
    address: str
    """An `Address.id`."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, without the token. `team` None: every team; `expires_at` None: never."""

    id: str
    person: str
    role: str
    team: str | None
    about: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A role that a person holds. `origin`: by hand, or `oidc`, following their groups there."""

    id: str
    person: str
    what: Grant
    origin: str
    granted_at: datetime
    granted_by: str


# -- addresses -----------------------------------------------------------------------------------

_ADDRESS = (
    "SELECT a.*, d.endpoint, d.key AS device_key, d.secret AS device_secret"
    " FROM people_address a LEFT JOIN people_device d ON d.address = a.id"
)


def insert_address(tx: Tx, row: Address) -> bool:
    """False when the person already has this address."""
    inserted = tx.run(
        "INSERT INTO people_address (id, person, kind, address, secret, created_at, added_by)"
        " VALUES (:id, :person, :kind, :address, :secret, :created_at, :added_by)"
        " ON CONFLICT DO NOTHING",
        id=row.id,
        person=row.person,
        kind=row.kind,
        address=row.address,
        secret=row.secret,
        created_at=to_us(row.created_at),
        added_by=row.added_by,
    )
    return inserted == 1


def address(tx: Tx, address_id: str) -> Address | None:
    """One address, also a removed one: pages that went there still name it."""
    row = tx.one(f"{_ADDRESS} WHERE a.id = :id", id=address_id)
    return _address(row) if row else None


def addresses(tx: Tx, person: str | None = None) -> tuple[Address, ...]:
    """The addresses of a person (None: of everybody) that are not removed, oldest first."""
    rows = tx.all(
        f"{_ADDRESS} WHERE a.removed_at IS NULL"
        " AND (:everybody = 1 OR a.person = :person) ORDER BY a.person, a.id",
        person=person or "",
        everybody=int(person is None),
    )
    return tuple(_address(row) for row in rows)


def mark_removed(tx: Tx, address_id: str, *, now: datetime) -> bool:
    """False when it was removed before. The row stays: sends refer to it."""
    changed = tx.run(
        "UPDATE people_address SET removed_at = :now WHERE id = :id AND removed_at IS NULL",
        id=address_id,
        now=to_us(now),
    )
    tx.run("DELETE FROM people_device WHERE address = :id", id=address_id)
    return changed == 1


def insert_device(tx: Tx, row: Address) -> None:
    """What belongs to an address that was just inserted."""
    assert row.device is not None
    tx.run(
        "INSERT INTO people_device (address, endpoint, key, secret)"
        " VALUES (:address, :endpoint, :key, :secret)",
        address=row.id,
        endpoint=row.device.endpoint,
        key=row.device.key,
        secret=row.device.secret,
    )


def device_cell(address_id: str) -> Cell:
    """Where a device's secret lies."""
    return Cell("people_device", "secret", address_id)


def devices_n(tx: Tx) -> int:
    """How many browsers are set up."""
    return int(tx.value("SELECT count(*) FROM people_device"))


def reseal(tx: Tx, change: Change, *, now: datetime) -> int:
    """Every sealed value written anew as `change` gives it; how many there were. Where it gives none,
    the device goes: it must be set up anew."""
    rows = tx.all("SELECT address, secret FROM people_device")
    for row in rows:
        secret = change(row["secret"], device_cell(row["address"]))
        if secret is None:
            mark_removed(tx, row["address"], now=now)
            delete_rules_of(tx, row["address"])
            continue
        tx.run(
            "UPDATE people_device SET secret = :secret WHERE address = :address",
            secret=secret, address=row["address"],
        )  # fmt: skip
    return len(rows)


def address_of_device(tx: Tx, endpoint: str) -> Address | None:
    """Whose address the device is now."""
    row = tx.one(f"{_ADDRESS} WHERE d.endpoint = :endpoint", endpoint=endpoint)
    return _address(row) if row else None


def mark_verified(tx: Tx, address_id: str, *, now: datetime) -> None:
    """Its owner has proved it; the code is spent."""
    tx.run(
        "UPDATE people_address SET verified_at = :now WHERE id = :id",
        now=to_us(now),
        id=address_id,
    )
    tx.run("DELETE FROM people_proof WHERE address = :id", id=address_id)


def write_proof(tx: Tx, address_id: str, *, digest: str, now: datetime) -> None:
    """A code was made for the address; only its digest is kept."""
    tx.run(
        "INSERT INTO people_proof (address, digest, made_at) VALUES (:address, :digest, :now)"
        " ON CONFLICT (address) DO UPDATE SET digest = excluded.digest,"
        " made_at = excluded.made_at, tries = 0",
        address=address_id,
        digest=digest,
        now=to_us(now),
    )


def proof(tx: Tx, address_id: str) -> Proof | None:
    """The code that an address was sent last, if it was not used."""
    row = tx.one("SELECT * FROM people_proof WHERE address = :address", address=address_id)
    return Proof(row["digest"], from_us(row["made_at"])) if row else None


def count_proof_try(tx: Tx, address_id: str, *, most: int) -> bool:
    """False when there were `most` already."""
    changed = tx.run(
        "UPDATE people_proof SET tries = tries + 1 WHERE address = :address AND tries < :most",
        address=address_id,
        most=most,
    )
    return changed == 1


# -- rules ---------------------------------------------------------------------------------------


def insert_rule(tx: Tx, row: Rule) -> bool:
    """False when there is the same rule already."""
    inserted = tx.run(
        "INSERT INTO people_rule (id, person, urgency, delay_s, address, created_at)"
        " VALUES (:id, :person, :urgency, :delay_s, :address, :created_at) ON CONFLICT DO NOTHING",
        id=row.id,
        person=row.person,
        urgency=row.urgency,
        delay_s=row.delay_s,
        address=row.address,
        created_at=to_us(row.created_at),
    )
    return inserted == 1


def rule(tx: Tx, rule_id: str) -> Rule | None:
    """One rule."""
    row = tx.one("SELECT * FROM people_rule WHERE id = :id", id=rule_id)
    return _rule(row) if row else None


def rules(tx: Tx, person: str) -> tuple[Rule, ...]:
    """A person's rules, by urgency, then delay, then age."""
    rows = tx.all(
        "SELECT * FROM people_rule WHERE person = :person ORDER BY urgency, delay_s, id",
        person=person,
    )
    return tuple(_rule(row) for row in rows)


def delete_rule(tx: Tx, rule_id: str) -> None:
    """The rule is gone; the record keeps what it was."""
    tx.run("DELETE FROM people_rule WHERE id = :id", id=rule_id)


def delete_rules_of(tx: Tx, address_id: str) -> tuple[Rule, ...]:
    """Delete every rule that uses the address, and return them."""
    rows = tx.all(
        "SELECT * FROM people_rule WHERE address = :address ORDER BY urgency, delay_s, id",
        address=address_id,
    )
    tx.run("DELETE FROM people_rule WHERE address = :address", address=address_id)
    return tuple(_rule(row) for row in rows)


# -- roles ---------------------------------------------------------------------------------------


def insert_grant(tx: Tx, row: Held) -> bool:
    """False when the person holds this role already."""
    inserted = tx.run(
        "INSERT INTO people_grant (id, person, role, team, origin, granted_at, granted_by)"
        " VALUES (:id, :person, :role, :team, :origin, :granted_at, :granted_by)"
        " ON CONFLICT DO NOTHING",
        id=row.id,
        person=row.person,
        role=row.what.role,
        team=row.what.team,
        origin=row.origin,
        granted_at=to_us(row.granted_at),
        granted_by=row.granted_by,
    )
    return inserted == 1


def grant_by_id(tx: Tx, grant_id: str) -> Held | None:
    """One role that is held."""
    row = tx.one("SELECT * FROM people_grant WHERE id = :id AND ended_at IS NULL", id=grant_id)
    return _held(row) if row else None


def grants(tx: Tx, person: str | None = None) -> tuple[Held, ...]:
    """The roles that a person (None: everybody) holds, oldest first."""
    rows = tx.all(
        "SELECT * FROM people_grant WHERE ended_at IS NULL"
        " AND (:everybody = 1 OR person = :person) ORDER BY id",
        person=person or "",
        everybody=int(person is None),
    )
    return tuple(_held(row) for row in rows)


def ever_granted(tx: Tx, person: str) -> bool:
    """Whether the person holds a role, or did."""
    return bool(
        tx.value("SELECT 1 FROM people_grant WHERE person = :person LIMIT 1", person=person)
    )


def mark_grant_ended(tx: Tx, grant_id: str, *, by: str, now: datetime) -> None:
    """The row stays: who held what, when, is asked for at every audit."""
    tx.run(
        "UPDATE people_grant SET ended_at = :now, ended_by = :by WHERE id = :id",
        now=to_us(now),
        by=by,
        id=grant_id,
    )


# -- tokens --------------------------------------------------------------------------------------


def insert_token(tx: Tx, row: Token, *, digest: str) -> None:
    """Only the digest is stored."""
    tx.run(
        "INSERT INTO people_token (id, digest, person, role, team, about, created_at, expires_at)"
        " VALUES (:id, :digest, :person, :role, :team, :about, :created_at, :expires_at)",
        id=row.id,
        digest=digest,
        person=row.person,
        role=row.role,
        team=row.team,
        about=row.about,
        created_at=to_us(row.created_at),
        expires_at=_us(row.expires_at),
    )


def token_by_digest(tx: Tx, digest: str) -> Token | None:
    """The token with this digest, whatever its state."""
    row = tx.one("SELECT * FROM people_token WHERE digest = :digest", digest=digest)
    return _token(row) if row else None


def token_by_id(tx: Tx, token_id: str) -> Token | None:
    """The token with this id, whatever its state."""
    row = tx.one("SELECT * FROM people_token WHERE id = :id", id=token_id)
    return _token(row) if row else None


def tokens_of(tx: Tx, person: str | None = None) -> tuple[Token, ...]:
    """The tokens of a person (None: of everybody), also expired and revoked ones, oldest first."""
    rows = tx.all(
        "SELECT * FROM people_token WHERE :everybody = 1 OR person = :person ORDER BY id",
        person=person or "",
        everybody=int(person is None),
    )
    return tuple(_token(row) for row in rows)


def mark_revoked(tx: Tx, token_id: str, *, now: datetime) -> bool:
    """False when it was revoked before."""
    changed = tx.run(
        "UPDATE people_token SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL",
        id=token_id,
        now=to_us(now),
    )
    return changed == 1


def mark_used(tx: Tx, token_id: str, *, now: datetime, unless_since: datetime) -> bool:
    """False when a use at or after `unless_since` is already noted."""
    changed = tx.run(
        "UPDATE people_token SET last_used_at = :now WHERE id = :id"
        " AND (last_used_at IS NULL OR last_used_at < :since)",
        id=token_id,
        now=to_us(now),
        since=to_us(unless_since),
    )
    return changed == 1


# -- rows as values ------------------------------------------------------------------------------


def _address(row: Row) -> Address:
    return Address(
        id=row["id"],
        person=row["person"],
        kind=row["kind"],
        address=row["address"],
        secret=row["secret"],
        created_at=from_us(row["created_at"]),
        removed_at=_at(row["removed_at"]),
        added_by=row["added_by"],
        verified_at=_at(row["verified_at"]),
        device=_device(row),
    )


def _device(row: Row) -> Device | None:
    if row["endpoint"] is None:
        return None
    return Device(row["endpoint"], row["device_key"], row["device_secret"])


def _rule(row: Row) -> Rule:
    return Rule(
        id=row["id"],
        person=row["person"],
        urgency=row["urgency"],
        delay_s=row["delay_s"],
        address=row["address"],
        created_at=from_us(row["created_at"]),
    )


def _held(row: Row) -> Held:
    return Held(
        id=row["id"],
        person=row["person"],
        what=Grant(row["role"], row["team"]),
        origin=row["origin"],
        granted_at=from_us(row["granted_at"]),
        granted_by=row["granted_by"],
    )


def _token(row: Row) -> Token:
    return Token(
        id=row["id"],
        person=row["person"],
        role=row["role"],
        team=row["team"],
        about=row["about"],
        created_at=from_us(row["created_at"]),
        expires_at=_at(row["expires_at"]),
        last_used_at=_at(row["last_used_at"]),
        revoked_at=_at(row["revoked_at"]),
    )


def _at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


def _us(at: datetime | None) -> int | None:
    return None if at is None else to_us(at)
