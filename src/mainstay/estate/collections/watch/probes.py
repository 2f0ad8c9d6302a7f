"""What each probe is told. Written as its main text alone, or as a mapping with more.

`http: https://…` is `http: {url: https://…}`; the main text is each model's first field.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mainstay.estate.collections.text import Part, Reference, Yes

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class HttpStep(Part):
    """One request of a transaction. `{name}` in its texts is a value that an earlier step kept."""

    url: str
    """Where to."""
    method: Method = "GET"
    """What to do there."""
    headers: dict[str, str] = {}
    """Sent with it."""
    body: str | None = None
    """Sent as it is; give `headers: {content-type: …}` with it."""
    json_: Any = Field(default=None, alias="json")
    """Sent as JSON instead of `body`."""
    expect: list[str] = []
    """Must hold before the next step is taken."""
    keep: dict[str, str] = {}
    """Values for later steps: {token: $.access_token}; a JSON path, `header:NAME` or `re:(…)`."""


class Http(Part):
    """HTTP or HTTPS; one request, or `steps` that follow each other on one check."""

    url: str | None = None
    """Where to."""
    method: Method = "GET"
    """What to do there."""
    headers: dict[str, str] = {}
    """Sent with it."""
    body: str | None = None
    """Sent as it is."""
    json_: Any = Field(default=None, alias="json")
    """Sent as JSON instead of `body`."""
    user: str | None = None
    """For Basic; its password is `secret`."""
    secret: Reference | None = None
    """`file:/path` or `env:NAME`: a bearer token, or with `user` a password."""
    follow: Yes = False
    """Follow redirects within the same host, at most five."""
    ca: str | None = None
    """A file of authorities to trust beside the usual ones."""
    steps: list[HttpStep] = []
    """A business transaction: each step may use what an earlier one kept."""

    @model_validator(mode="after")
    def _one_of(self) -> Http:
        if (self.url is None) != bool(self.steps):
            raise ValueError("expected either url or steps")
        return self


class Line(Part):
    """TCP, TLS, SMTP or IMAP at `host:port`."""

    to: str
    """`host:port`."""
    send: str | None = None
    """Said once connected (tcp and tls)."""
    name: str | None = None
    """The name in the certificate, when it is not the host's (tls)."""
    ca: str | None = None
    """A file of authorities to trust beside the usual ones."""
    starttls: Yes = False
    """Ask for TLS before anything else (smtp and imap)."""


class Dns(Part):
    """A question to the domain name system."""

    name: str
    """The name asked for."""
    type: Literal["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "PTR", "SRV", "CAA"] = "A"
    """Which records."""
    server: str | None = None
    """`host` or `host:port`. None: as this machine is set up."""


class Domain(Part):
    """When a domain's registration ends: by RDAP, and by whois where that does not tell."""

    name: str
    """Such as alpenpay.ch."""
    rdap: str | None = None
    """The RDAP server to ask. None: as IANA lists it for the top-level domain."""
    whois: str | None = None
    """The whois server to ask, `host` or `host:port`. None: as IANA's says."""


class Ping(Part):
    """ICMP echo."""

    host: str
    """A name or number."""
    count: Annotated[int, Field(ge=1, le=20, strict=True)] = 3
    """Packets, a fifth of a second apart."""


class Ssh(Part):
    """A command on the hosts of `on`, by the system's `ssh`."""

    command: str
    """Run by the login shell there; sent on its input, never in its arguments."""


class Sql(Part):
    """One SELECT, read-only; its first column of its first row is `value`."""

    query: str
    """May name `:business_date`, `:now` and `:host`; they are bound, never spliced."""
    database: str | None = None
    """`postgresql://user@host/name`; `mysql://`, `mariadb://`, `oracle://…/service`; `sqlite:/path`. None: its host's."""
    password: Reference | None = None
    """None: its host's."""


class Redis(Part):
    """Redis or Valkey: PING, INFO, and one reading command if wanted."""

    to: str
    """`host:port`."""
    command: list[str] = []
    """Such as [LLEN, queue:pay]; its answer is `value`. Only commands that read."""
    user: str | None = None
    """Whose; or who signs in."""
    password: Reference | None = None
    """Its password."""
    tls: Yes = False
    """Speak TLS."""


class File(Part):
    """Files, `%Y%m%d` in the path being the business date; `*` and `?` match."""

    path: str
    """Where it is."""
    checksum: Yes = False
    """Also compute `sha256`, of one file here or by ssh; reads it whole, up to 1 GiB."""


class Process(Part):
    """Processes whose name, or whole command line, fits."""

    name: str
    """The name exactly; with `~` before it, a regular expression on the whole command line."""
    user: str | None = None
    """Whose; or who signs in."""


class Metric(Part):
    """A figure of the machine."""

    name: Literal[
        "disk_used_ratio", "disk_free", "inodes_used_ratio", "memory_used_ratio", "memory_free",
        "swap_used_ratio", "load1", "load5", "load15", "load_per_cpu", "uptime", "open_files_ratio",
    ]  # fmt: skip
    """Which."""
    path: str = "/"
    """Of the disk."""


class Certificate(Part):
    """A certificate in a file (PEM or DER); of several, the one that ends first."""

    path: str
    """Where it is."""


class Log(Part):
    """New lines of a log since the last look."""

    path: str
    """Where it is."""
    pattern: str
    """A regular expression (RE2); the lines that it fits are counted."""
    unless: str | None = None
    """Lines that this fits are not counted."""


class Prometheus(Part):
    """A query to a Prometheus; its one sample is `value`, of many the greatest."""

    query: str
    """In PromQL."""
    url: str | None = None
    """None: as the organisation says (`org: {prometheus: …}`)."""
    secret: Reference | None = None
    """A bearer token: `file:/path` or `env:NAME`."""


class Plugin(Part):
    """A Nagios or Monitoring plug-in, unmodified: its exit code, its words, its figures."""

    command: list[str]
    """The program and its arguments; no shell reads them. `{address}` is the host's."""
    env: dict[str, str] = {}
    """Set for it; a value `file:/path` or `env:NAME` is read there. Nothing else is inherited."""
    stdin: Reference | None = None
    """A secret for its standard input."""


class Script(Part):
    """A program of your own: exit 0 is good; `name=value` lines, or JSON, are values."""

    command: list[str]
    """The program and its arguments; no shell reads them."""
    env: dict[str, str] = {}
    """Set for it; a value `file:/path` or `env:NAME` is read there. Nothing else is inherited."""
    stdin: Reference | None = None
    """A secret for its standard input."""
