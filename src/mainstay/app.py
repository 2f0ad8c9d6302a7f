"""Opens and closes everything: settings → database → rooms → loops → servers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from mainstay import (
    __version__,
    diagnosing,
    loops,
    paging,
    people,
    presence,
    sealed,
    telemetry,
    upkeep,
)
from mainstay.api import App, limits_of, make_app
from mainstay.checks.probes import Probe, nameservers
from mainstay.checks.probes import build as build_probes
from mainstay.console import Console
from mainstay.diagnosis import Reach, live
from mainstay.diagnosis.collectors import Collector, of_databases, of_hosts, of_telemetry
from mainstay.estate import View, Views
from mainstay.foundation import backup, failpoint, record
from mainstay.foundation.backup.job import Job, Outcome
from mainstay.foundation.clock import Clock, SharedClock, SystemClock, to_us
from mainstay.foundation.db import Database, Tx, open_database, place_of, schema_number
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import (
    Broken,
    Invalid,
    MainstayError,
    Outside,
    Stuck,
    Unreachable,
)
from mainstay.foundation.ids import Ids
from mainstay.foundation.reserve import Reserve
from mainstay.foundation.sealing import Keys, Ring
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import Settings
from mainstay.ground import Ground
from mainstay.measures import Measures
from mainstay.nodes import Node
from mainstay.paging.channels import Answer, Channel, Page, Sms, Smtp, To, Vapid, build, new_key
from mainstay.people import Address
from mainstay.runtime import Runtime, Wake
from mainstay.watching import beating, checking

BY_PROVIDER = {"mail": "smtp", "sms": "sms"}
"""Channels that need a provider, and the table of the settings that names it."""


def open_app(
    settings: Settings,
    *,
    environment: Mapping[str, str],
    clock: Clock | None = None,
    channels: Mapping[str, Channel] | None = None,
    probes: Mapping[str, Probe] | None = None,
    collectors: Callable[[View, Sequence[str]], tuple[Collector, ...]] | None = None,
    node: str | None = None,
) -> Runtime:
    """A Mainstay that is ready to serve or to be stepped; nothing runs yet."""
    passing = failpoint.passing(environment.get(failpoint.VARIABLE))
    place = place_of(settings, environment=environment)
    today = (clock or SystemClock()).now()
    reserve = _reserve(settings)

    def opened() -> Database:
        backup.before_upgrade(place, settings, environment=environment, now=today)
        return open_database(place)

    db = _with_room(opened, reserve)
    ring = sealed.unlocked(db, Keys.of(settings, environment=environment), now=today)
    clock = clock or (SharedClock(db.ask_time) if db.ask_time else SystemClock())
    egress = Egress(_allowed(settings), passing=passing)
    if channels is None:
        vapid = _vapid(db, settings, ring, clock.now())
        channels = _channels(settings, egress, environment, clock, vapid=vapid)
    if probes is None:
        probes = _probes(settings, environment)
    ways = dict(channels)
    limits = paging.Limits(settings.page_per_minute, settings.public_url)
    ids = Ids()
    me = _node(settings, node or ids.new("nod", clock.now()), clock.now())
    ground = Ground(
        ids=ids,
        views=Views(),
        limits=limits,
        node=me.id,
        token=lambda: secrets.token_urlsafe(32),
        check_address=_checker(ways),
        ring=ring,
        diagnoses=settings.diagnosis.by_itself,
        passing=passing,
    )

    async def send(address: Address, page: Page) -> Answer | MainstayError:
        return await _send(ways, address, page, environment, ring)

    reach = _reach(settings, environment)
    app = Runtime(
        settings=settings, node=me, clock=clock, db=db, ground=ground, channels=ways, send=send,
        hang_up=egress.close, probes=probes, jitter=random.random, wake=Wake(),
        signer=_signer(settings, environment),
        sinks=record.sinks_of(settings.audit.checkpoints_to, node=me.host, egress=egress),
        reserve=reserve, back_up=lambda now: _back_up(settings, environment, now),
        reach=reach, close=db.close,
        collectors=collectors or partial(_collectors, db, ground, settings, environment, reach),
    )  # fmt: skip
    db.on_commit = partial(_count_commit, app.measures)
    presence.sign_on(app, me.started_at)
    return app


def _collectors(
    db: Database, ground: Ground, settings: Settings, environment: Mapping[str, str], reach: Reach,
    view: View, services: Sequence[str],
) -> tuple[Collector, ...]:  # fmt: skip
    """All that reads evidence about an incident of these services; one line for each."""
    return (
        live.Declared(view),
        live.Alerts(db, view),
        live.Changes(db),
        live.Checks(db, view, ground.sheets.of(view)),
        *of_telemetry(
            view.estate,
            lambda: Egress(_allowed(settings)),
            environment,
            kept_in=telemetry.folder_of(settings) if settings.telemetry.keep else None,
        ),
        *of_hosts(view.estate, services, reach),
        *of_databases(view.estate, services, reach),
    )


def _probes(settings: Settings, environment: Mapping[str, str]) -> dict[str, Probe]:
    """They have a client of their own: its event loop is that of the checks."""
    servers = nameservers()
    folder = settings.data_dir.resolve()
    return build_probes(
        Egress(_allowed(settings) | frozenset(servers)), environment=environment,
        install=_install(folder), data_dir=folder,
        servers=servers,
    )  # fmt: skip


def _reach(settings: Settings, environment: Mapping[str, str]) -> Reach:
    folder = settings.data_dir.resolve()
    return Reach(_allowed(settings), environment, folder, _install(folder))


def _install(folder: Path) -> str:
    """What names this install in the programs that it starts."""
    return hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()


def _reserve(settings: Settings) -> Reserve:
    """None beside a server's database: its disk is another."""
    size_mib = 0 if settings.database else settings.reserve_mib
    return Reserve(settings.data_dir, size_bytes=size_mib * 1024 * 1024)


def _with_room(opened: Callable[[], Database], reserve: Reserve) -> Database:
    """The database; on a full disk in the room that was kept."""
    try:
        db = opened()
    except Stuck:
        if not reserve.give_back():
            raise
        db = opened()
    if reserve.is_used:  # there may be room again; else the loop goes on asking
        reserve.make()
    db.on_full = reserve.give_back
    return db


def _back_up(settings: Settings, environment: Mapping[str, str], now: datetime) -> backup.Made:
    """In a process of its own, which takes no turn from our threads."""
    wanted = settings.backup
    place = place_of(settings, environment=environment)
    job = Job(
        path=str(place.path), url=place.url, password=place.password, folder=str(wanted.to), keep=wanted.keep,
        keep_days=wanted.keep_days, now=now, passphrase=backup.passphrase_of(settings, environment=environment),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "mainstay.foundation.backup"], input=msgspec.json.encode(job),
        stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Broken(f"The process that makes backups ended with {done.returncode}.")
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    if outcome.made is None:
        raise Outside(outcome.trouble or "The backup could not be made.")
    return outcome.made


def _node(settings: Settings, node_id: str, now: datetime) -> Node:
    return Node(
        id=node_id, host=socket.gethostname(), folder=str(settings.data_dir.resolve()),
        pid=os.getpid(), listen=settings.listen, version=__version__, schema=schema_number(),
        started_at=now, seen_at=now,
    )  # fmt: skip


def _count_commit(measures: Measures, seconds: float, writes: int) -> None:
    measures.commits.observe(seconds)
    measures.writes.add(n=writes)


@dataclass(frozen=True, slots=True)
class OverHttp:
    """What answers over HTTP. `end` ends its open streams, so that the server can stop."""

    app: App
    end: Callable[[], None]


def over_http(app: Runtime, *, environment: Mapping[str, str]) -> OverHttp:
    """All that Mainstay answers: signals, its API, links, and the console beside them."""
    console = Console(app, limits_of(app), environment=environment)
    return OverHttp(make_app(app, environment=environment, beside=(console,)), console.end)


def drain(app: Runtime, now: datetime | None = None) -> None:
    """Step every loop until nothing is due: for stories, which run no threads."""
    for _ in range(10_000):
        now = now or app.clock.now()
        busy = loops.settle(app, now) == now
        busy |= loops.pass_time(app, now) == now
        busy |= beating.work(app)
        busy |= asyncio.run(checking.step(app, now))
        busy |= asyncio.run(_deliver_all(app, now))
        busy = busy or diagnosing.step(app, now) == now
        if not busy:
            upkeep.seal(app, now)
            return
    raise AssertionError("the loops do not come to rest")


async def _deliver_all(app: Runtime, now: datetime) -> bool:
    under_way = await loops.deliver(app, now)
    await asyncio.gather(*under_way)
    at = app.db.read(loops.next_delivery)
    return bool(under_way) or (at is not None and at <= now)


def _allowed(settings: Settings) -> frozenset[str]:
    """What `egress.allow` opens, and the mail relay and syslog that the administrator named."""
    relay = {f"{settings.smtp.host}:{settings.smtp.port}"} if settings.smtp else set()
    return (
        frozenset((*settings.egress.allow, *record.places_of(settings.audit.checkpoints_to)))
        | relay
    )


def _signer(settings: Settings, environment: Mapping[str, str]) -> record.Signer:
    """The key that `audit.key` points to; else this node's own, made at its first start."""
    where = settings.audit.key
    if where is None:
        return record.key_in(settings.data_dir)
    return record.signer_of(resolve(where, environment=environment), where="audit.key")


def _vapid(db: Database, settings: Settings, ring: Ring, now: datetime) -> Vapid:
    """The key that pushes are signed with: made once, and the same on every node of the database."""
    key = db.read(paging.push_key) or db.run(partial(_new_push_key, ring=ring, now=now))
    contact = settings.public_url if settings.public_url.startswith("https:") else None
    return Vapid.of(ring.open(key, paging.PUSH_KEY), contact=contact)


def _new_push_key(tx: Tx, *, ring: Ring, now: datetime) -> str:
    made = ring.seal(tx, new_key(), paging.PUSH_KEY)
    return paging.keep_push_key(tx, made, at=to_us(now))


def _channels(
    settings: Settings, egress: Egress, environment: Mapping[str, str], clock: Clock, *,
    vapid: Vapid,
) -> dict[str, Channel]:  # fmt: skip
    smtp, sms = settings.smtp, settings.sms
    relay = None
    if smtp is not None:
        password = resolve(smtp.password, environment=environment) if smtp.password else None
        relay = Smtp(
            host=smtp.host, port=smtp.port,
            security="plain" if smtp.security == "none" else smtp.security,
            user=smtp.user, password=password, sender=smtp.sender,
            ca_file=str(smtp.ca_file) if smtp.ca_file else None,
        )  # fmt: skip
    account = None
    if sms is not None:
        token = resolve(sms.token, environment=environment)
        account = Sms(base=sms.base, account=sms.account, token=token, sender=sms.sender)
    return build(
        egress, smtp=relay, sms=account, vapid=vapid, ntfy_server=settings.ntfy_server, clock=clock
    )


def _checker(channels: Mapping[str, Channel]) -> Callable[[str, str], str]:
    def check(kind: str, address: str) -> str:
        if kind not in channels:
            known = ", ".join(sorted(channels))
            words = f"No channel {kind!r} is set up here; there is {known}."
            if kind in BY_PROVIDER:
                words += (
                    f" It needs the table [{BY_PROVIDER[kind]}] in mainstay.toml, and a restart."
                )
            raise Invalid(words, pointer="/kind")
        return channels[kind].check(address)

    return check


async def _send(
    channels: Mapping[str, Channel],
    address: Address,
    page: Page,
    environment: Mapping[str, str],
    ring: Ring,
) -> Answer | MainstayError:
    """The channel's answer, or its failure as a value."""
    channel = channels.get(address.kind)
    if channel is None:
        return Unreachable(f"No channel {address.kind!r} is set up here.", permanent=True)
    try:
        return await channel.send(page, _to(address, environment, ring))
    except MainstayError as error:
        return error
    except Exception as error:
        return Outside(f"The {address.kind} channel failed: {type(error).__name__}.")


def _to(address: Address, environment: Mapping[str, str], ring: Ring) -> To:
    """Where the channel sends, with the secret in clear."""
    if (device := address.device) is not None:
        return To(device.endpoint, f"{device.key}.{people.device_secret(address, ring=ring)}")
    secret = resolve(address.secret, environment=environment) if address.secret else None
    return To(address.address, secret)
