"""What can be set, its defaults, and what may not be set together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from mainstay.foundation.secrets import check_reference
from mainstay.foundation.spans import duration

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+):(\d{1,5})")


class HostPort(NamedTuple):
    """A host (IPv6 without its brackets) and a port, 0–65535."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def host_port(text: str) -> HostPort:
    """`127.0.0.1:8460`, `[::1]:8460`, `name:443` in parts. ValueError says what was expected."""
    match = _HOST_PORT.fullmatch(text)
    if match is None or int(match[2]) > 65535:
        raise ValueError("expected host:port, such as 127.0.0.1:8460 or [::1]:8460")
    return HostPort(match[1].strip("[]"), int(match[2]))


def _checked_host_port(text: str) -> str:
    host_port(text)
    return text


def _checked_url(text: str) -> str:
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError("expected http(s)://host[:port][/path] without user, query or fragment")
    return text.rstrip("/")


def _checked_network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(
            "expected an address or network, such as 10.0.0.7 or 10.0.0.0/24"
        ) from error
    if network.prefixlen == 0:
        raise ValueError("would trust every machine as a proxy; list the proxies' own addresses")
    return text


def _checked_span(text: str) -> str:
    if not duration(text):
        raise ValueError("expected a duration that is longer than nothing")
    return text


def _checked_sink(text: str) -> str:
    parts = urlsplit(text)
    if text.startswith("file:/") and "\x00" not in text:
        return text
    if parts.scheme in ("syslog+udp", "syslog+tcp", "syslog+tls"):
        host_port(parts.netloc)
        if not (parts.path or parts.query or parts.fragment):
            return text
    raise ValueError(
        "expected file:/path/to/file, or syslog+udp://, syslog+tcp:// or syslog+tls://host:port"
    )


def _checked_url_or_reference(text: str) -> str:
    if text.startswith(("env:", "file:")):
        return check_reference(text)
    parts = urlsplit(text)
    plain = not (parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError("expected an http(s) URL, or where one is kept: file:/path or env:NAME")
    return text


def _checked_database(text: str) -> str:
    if not text:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("expected postgresql://user@host:port/name, or nothing for SQLite")
    if parts.password or "password" in parse_qs(parts.query):
        raise ValueError(
            "a password is never written here; put it in a file that only Mainstay may read "
            "(chmod 600) and set database_password to file:/path/to/it"
        )
    return text


HostPortText = Annotated[str, AfterValidator(_checked_host_port)]
Url = Annotated[str, AfterValidator(_checked_url)]
DatabaseUrl = Annotated[str, AfterValidator(_checked_database)]
Span = Annotated[str, AfterValidator(_checked_span)]
SinkText = Annotated[str, AfterValidator(_checked_sink)]
Network = Annotated[str, AfterValidator(_checked_network)]


def _checked_group_role(text: str) -> str:
    group, _, held = text.rpartition("=")
    if not group.strip() or not held.strip():
        raise ValueError("expected group=role or group=role/team, such as sre=responder/payops")
    return text


GroupRole = Annotated[str, AfterValidator(_checked_group_role)]
SecretReference = Annotated[str, AfterValidator(check_reference)]
UrlOrReference = Annotated[str, AfterValidator(_checked_url_or_reference)]
MailAddress = Annotated[str, Field(pattern=r"^[^\s<>@,;]+@[^\s<>@,;]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class Table(BaseModel):
    """The base of every table: unknown keys refused, values frozen."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # somebody may have pasted a secret
        allow_inf_nan=False,
    )


class Smtp(Table):
    """The mail server that carries pages."""

    host: str = Field(min_length=1)
    """Its name or address."""
    port: Port = 587
    """587 for `starttls`, as a rule 465 for `tls`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` never carries a password, save to this machine."""
    user: str | None = None
    """Together with `password`, where the server wants a log-in."""
    password: SecretReference | None = None
    """Where it is, never the password itself."""
    sender: MailAddress
    """A bare address; pages come from `Mainstay <sender>`."""
    """The address that pages come from."""
    ca_file: Path | None = None
    """Trust this CA instead of the system's."""


class Sms(Table):
    """A provider that speaks Twilio's API."""

    base: Url = "https://api.twilio.com"
    """Where its API begins."""
    account: str = Field(min_length=1)
    """The account id (`AC…`)."""
    token: SecretReference
    """Where the auth token is, never the token itself; it also signs the replies."""
    sender: str = Field(min_length=1)
    """Our number, or a name that the provider has registered."""


class AlarmMail(Smtp):
    """The watchdog's own way to send mail; another provider than pages go by, if you have one."""

    to: tuple[MailAddress, ...] = Field(min_length=1)
    """Who hears that Mainstay itself is wrong."""


class AlarmWebhook(Table):
    """The watchdog's own webhook; signed as those of pages are."""

    url: UrlOrReference
    """Where to; a reference, if the URL itself is a secret."""
    secret: SecretReference | None = None
    """What signs it; where it is, never the secret itself."""


class WatchdogSettings(Table):
    """The process beside the server that checks whether what should have been paged was."""

    enabled: bool = True
    """Without it, a page that is missed is missed in silence."""
    every_s: float = Field(default=60, ge=0.1, le=60)
    """Seconds between two looks."""
    grace_s: float = Field(default=30, ge=0.1, le=600)
    """How late something due may be before it counts as missed."""
    repeat_s: float = Field(default=1800, ge=1)
    """Seconds after which an alarm is repeated while it lasts."""
    heartbeat_url: UrlOrReference | None = None
    """Pinged at each look while everything works: a dead man's switch outside of this machine."""
    mail: AlarmMail | None = None
    """None: the watchdog sends no mail."""
    webhook: AlarmWebhook | None = None
    """None: the watchdog calls no webhook."""


class Egress(Table):
    """What of the private network we may call."""

    allow: tuple[HostPortText, ...] = ()
    """Exact `host:port`; every other private address is refused."""


class Backup(Table):
    """Backups that Mainstay makes by itself."""

    to: Path | None = None
    """Folder for them, best on another disk; none: none are made by itself."""
    every: Span = "15m"
    """How often. What a disk can take with it is this, and the time that a backup takes."""
    keep: int = Field(default=24, ge=1)
    """How many of the newest are kept."""
    keep_days: int = Field(default=14, ge=0)
    """For how many days the last one of each day is kept as well."""
    passphrase: SecretReference | None = None
    """Where the passphrase or key file is that encrypts them; none: they are not encrypted."""
    before_upgrade: bool = True
    """Make one before a new version changes the schema, into `to` or the data folder."""


class Secrets(Table):
    """Secrets in the database: one-time codes, keys of push, all sealed."""

    key: SecretReference | None = None
    """Where the key is that they are sealed under; none: a file beside the data folder, made there."""


class Audit(Table):
    """Proof of the record."""

    checkpoints_to: tuple[SinkText, ...] = ()
    """Where signed checkpoints are kept outside: `file:/path`, `syslog+tls://host:6514` …"""
    checkpoint_every: Span = "5m"
    """How long a sealed row may wait for the checkpoint that covers it …"""
    checkpoint_rows: int = Field(default=1000, ge=1)
    """… unless so many rows wait."""
    key: SecretReference | None = None
    """Where the key is that signs them (Ed25519, PEM); none: each node's own, in its data folder."""


class LimitSettings(Table):
    """What one request and one connection may cost. Beyond it: 413, 429, or the connection ends."""

    body_bytes: int = Field(default=1_048_576, ge=1024)
    """Bytes of a request body; also after decompression."""
    ratio: int = Field(default=100, ge=1)
    """Bytes out per byte in when decompressing."""
    depth: int = Field(default=64, ge=4)
    """Levels of nesting in a JSON document."""
    keys: int = Field(default=10_000, ge=16)
    """Keys in a JSON document, all levels counted."""
    header_bytes: int = Field(default=16_384, ge=1024)
    """Bytes of the request line and the headers together."""
    header_s: float = Field(default=10, gt=0)
    """Seconds until all headers are in."""
    body_s: float = Field(default=30, gt=0)
    """Seconds from there until the whole body is in."""
    idle_s: float = Field(default=15, gt=0)
    """Seconds between two requests of one connection."""
    connections: int = Field(default=1000, ge=1)
    """Open at once."""


class Oidc(Table):
    """The OpenID provider of single sign-on."""

    issuer: Url
    """As the provider itself writes it; `/.well-known/openid-configuration` is asked there."""
    client_id: str = Field(min_length=1)
    """What we are registered as; the redirect address there is public_url + /sign-in/sso/back."""
    client_secret: SecretReference | None = None
    """Where the secret is, never the secret itself. None: a public client (PKCE is always used)."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What we ask for."""
    person: str = "preferred_username"
    """The claim that is the person's id; `email`: a mail address of theirs, verified there."""
    groups: str = "groups"
    """The claim that lists their groups."""
    roles: tuple[GroupRole, ...] = ()
    """Group to role, as `sre-payops=responder/payops`, or `it-audit=auditor` for every team."""
    label: str = "Single sign-on"
    """What its button says."""
    ca_file: Path | None = None
    """Trust this CA beside the system's."""

    @property
    def place(self) -> str:
        """Its host and port: named by the administrator, it may be a private address."""
        parts = urlsplit(self.issuer)
        return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


class SignIn(Table):
    """How people come in to the console."""

    oidc: Oidc | None = None
    """None: no single sign-on."""

    totp: Literal["optional", "required"] = "optional"
    """`required`: nobody who signs in by password gets further before one-time codes are set up."""


def _checked_service_days(text: str) -> str:
    service, _, days = text.rpartition("=")
    if not service or not days.isdigit() or not 1 <= int(days) <= 3650:
        raise ValueError("expected service=days, such as audit=90")
    return text


ServiceDays = Annotated[str, AfterValidator(_checked_service_days)]


class TelemetrySettings(Table):
    """Logs, metrics and traces that are sent here and kept, by a process beside the server."""

    keep: bool = False
    """Start that process; needs the extra [telemetry]."""
    folder: Path | None = None
    """Where they are kept, best on another disk; none: `telemetry` in the data folder."""
    listen: HostPortText = "127.0.0.1:4318"
    """OTLP over HTTP, remote write, Loki's push, `_bulk`. Beyond this machine only with TLS and a key."""
    syslog: HostPortText | None = None
    """Syslog, UDP and TCP; none: none is heard."""
    key: SecretReference | None = None
    """Where the key is that senders over HTTP show, never the key itself."""
    days: int = Field(default=14, ge=1, le=3650)
    """For how many days."""
    days_of: tuple[ServiceDays, ...] = ()
    """For services that differ: `audit=90`."""
    logs_gib: float = Field(default=20, gt=0)
    """GiB of logs at most; the oldest go first."""
    metrics_gib: float = Field(default=5, gt=0)
    """GiB of metrics at most."""
    traces_gib: float = Field(default=5, gt=0)
    """GiB of traces at most."""


def _url_of_listen(values: dict[str, Any]) -> str:
    scheme = "https" if values.get("tls_cert") else "http"
    return f"{scheme}://{values.get('listen', '')}"


class DiagnosisSettings(Table):
    """How the likely cause of an incident is looked for."""

    by_itself: bool = True
    """Of each new incident, and of one that grows; otherwise only where somebody asks."""
    budget_s: float = Field(default=20, ge=0.1, le=120)
    """Seconds that collectors may read; who has not answered then is left behind."""


class Settings(Table):
    """Every setting. Only `data_dir` has no default here: `load` knows the person's home."""

    data_dir: Path
    """Where the database and the token file are; 0700."""
    database: DatabaseUrl = ""
    """Empty: SQLite in the data folder. Else `postgresql://user@host:port/name`, without password."""
    database_password: SecretReference | None = None
    """Where the password for `database` is, never the password itself."""
    estate: Path | None = None
    """Folder to put in force at start, and again on SIGHUP."""
    listen: HostPortText = "127.0.0.1:8460"
    """Where requests come in. Beyond this machine only with TLS, or behind a proxy."""
    tls_cert: Path | None = None
    """Certificate chain, PEM."""
    tls_key: Path | None = None
    """Its key, PEM, 0600."""
    behind_proxy: tuple[Network, ...] = ()
    """Proxies that speak TLS for us: with one here, `listen` may be open to other machines."""
    public_url: Url = Field(default_factory=_url_of_listen)
    """What acknowledge links begin with; people's phones must reach it."""
    allow_root: bool = False
    """Run as root all the same."""
    egress: Egress = Egress()
    """Exceptions to the address guard."""
    smtp: Smtp | None = None
    """None: nobody can be paged by mail."""
    sms: Sms | None = None
    """None: nobody can be paged by SMS."""
    ntfy_server: Url = "https://ntfy.sh"
    """Where an ntfy address that is a topic alone is sent."""
    reserve_mib: int = Field(default=64, ge=0, le=65_536)
    """Disk kept for the record and for pages when all the rest is full, beside SQLite's file; 0: none."""
    backup: Backup = Backup()
    """When, where to, and how many."""
    secrets: Secrets = Secrets()
    """Which key secrets in the database are sealed under."""
    audit: Audit = Audit()
    """How the record is proved."""
    sign_in: SignIn = SignIn()
    """How people come in to the console."""
    limits: LimitSettings = LimitSettings()
    """What clients may cost us."""
    diagnosis: DiagnosisSettings = DiagnosisSettings()
    """How the likely cause of an incident is looked for."""
    watchdog: WatchdogSettings = WatchdogSettings()
    """Who watches Mainstay."""
    telemetry: TelemetrySettings = TelemetrySettings()
    """What of logs, metrics and traces is kept here."""
    retention_days: int = Field(default=30, ge=1, le=3650)
    """How long raw signals are kept."""
    looks_days: int = Field(default=30, ge=1, le=3650)
    """How long the looks of checks are kept, one by one."""
    availability_days: int = Field(default=400, ge=1, le=3650)
    """How long it is kept how checks stood, hour by hour."""
    page_per_minute: int = Field(default=1, ge=1, le=60)
    """Pages a minute to one address; further ones are bundled."""
    backlog_max: int = Field(default=50_000, ge=1)
    """Waiting signals beyond which the doors answer 429."""
    lease_s: float = Field(default=10, ge=1, le=300)
    """Several nodes: after how many seconds of silence another one goes on with settling."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is worth a line."""
    log_format: Literal["text", "json"] = "text"
    """`json`: one object a line, for collectors."""

    @property
    def address(self) -> HostPort:
        """`listen` in parts."""
        return host_port(self.listen)

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if found := list(_contradictions(self)):
            raise ContradictionsError(found)
        return self


class ContradictionsError(ValueError):
    """Settings that are each well-formed and together wrong: (name, sentence)."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in found))
        self.found = found


def _is_here(url: str) -> bool:
    return HostPort(urlsplit(url).hostname or "", 0).loopback


def _contradictions(settings: Settings) -> Iterable[tuple[str, str]]:
    oidc = settings.sign_in.oidc
    if oidc and oidc.issuer.startswith("http:") and not _is_here(oidc.issuer):
        yield "sign_in.oidc.issuer", "people's sign-ins would travel unencrypted; use https"
    if settings.database_password and not settings.database:
        yield "database_password", "database_password is for `database`, which is not set; set both"
    if (settings.tls_cert is None) != (settings.tls_key is None):
        yield "tls_cert", "tls_cert and tls_key go together; set both, or neither"
    elif not (settings.address.loopback or settings.tls_cert or settings.behind_proxy):
        yield (
            "listen",
            "other machines could reach this address, and tokens would travel unencrypted; set "
            "tls_cert and tls_key, or list your TLS proxy in behind_proxy, or listen on 127.0.0.1",
        )
    yield from _telemetry_contradictions(settings)
    for table, relay in (("smtp", settings.smtp), ("watchdog.mail", settings.watchdog.mail)):
        if relay is not None:
            yield from _relay_contradictions(table, relay)


def _telemetry_contradictions(settings: Settings) -> Iterable[tuple[str, str]]:
    own = settings.telemetry
    for name, text in (("listen", own.listen), ("syslog", own.syslog)):
        if text is None or host_port(text).loopback:
            continue
        if settings.tls_cert is None:
            yield (
                f"telemetry.{name}",
                "other machines could reach this address, and what they send would travel "
                "unencrypted; set tls_cert and tls_key, or listen on 127.0.0.1",
            )
        if name == "listen" and own.key is None:
            yield "telemetry.listen", "anybody who reaches it could send; set telemetry.key"


def _relay_contradictions(table: str, relay: Smtp) -> Iterable[tuple[str, str]]:
    if relay.password and relay.security == "none" and not HostPort(relay.host, 0).loopback:
        yield (
            f"{table}.security",
            "'none' would send the password unencrypted; use starttls or tls",
        )
    if (relay.user is None) != (relay.password is None):
        yield (
            f"{table}.user",
            f"{table}.user and {table}.password go together; set both, or neither",
        )
