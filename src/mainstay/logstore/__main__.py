"""The process itself: `mainstay logs keep`; and what was kept: `mainstay logs kept`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path

import click
import uvicorn

from mainstay.foundation.errors import Invalid, MainstayError
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import HostPort, host_port
from mainstay.logstore.asking import ask, kept
from mainstay.logstore.followed import Followed
from mainstay.logstore.http import Doors
from mainstay.logstore.intake import Intake, Stores
from mainstay.logstore.news import News
from mainstay.logstore.scraping import Scraper
from mainstay.logstore.syslogs import Datagrams, Stream
from mainstay.telemetry.store import Blanks, Keeping, Rule

GIB = 1 << 30
GRACE_S = 3


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="Where they are kept."
)
@click.option(
    "--listen", default="127.0.0.1:4318", show_default=True, help="OTLP, remote write, Loki, _bulk."
)
@click.option("--syslog", "syslog_at", metavar="HOST:PORT", help="Syslog, UDP and TCP.")
@click.option("--follow", multiple=True, metavar="SERVICE=FILE", help="A file to keep as it grows.")
@click.option("--key", metavar="env:NAME|file:PATH", help="What senders over HTTP must show.")
@click.option(
    "--tls-cert", type=click.Path(exists=True), help="Certificate, for HTTP and syslog's TCP."
)
@click.option("--tls-key", type=click.Path(exists=True), help="Its key.")
@click.option(
    "--days", default=14, show_default=True, type=click.IntRange(1, 3650), help="How long."
)
@click.option("--days-of", multiple=True, metavar="SERVICE=DAYS", help="How long one service's.")
@click.option("--max-gib", default=20.0, show_default=True, help="How much of logs at most.")
@click.option("--metrics-gib", default=5.0, show_default=True, help="How much of metrics at most.")
@click.option("--traces-gib", default=5.0, show_default=True, help="How much of traces at most.")
@click.option("--blank", multiple=True, metavar="NAME=PATTERN", help="Blank this, too (RE2).")
@click.option("--told", "told_at", type=click.Path(path_type=Path), hidden=True)
@click.option("--ends-with-stdin", is_flag=True, hidden=True)
def keep(
    folder: Path, listen: str, syslog_at: str | None, follow: tuple[str, ...], key: str | None,
    tls_cert: str | None, tls_key: str | None, days: int, days_of: tuple[str, ...], max_gib: float,
    metrics_gib: float, traces_gib: float, blank: tuple[str, ...], told_at: Path | None,
    ends_with_stdin: bool,
) -> None:  # fmt: skip
    """Keep logs, metrics and traces that are sent here, secrets and personal data blanked.

    OTLP, Prometheus's remote write, Loki's push and Elasticsearch's _bulk over HTTP; syslog; files
    as they grow.

    \b
    Example: mainstay logs keep --folder /var/lib/mainstay/logs --syslog 127.0.0.1:5514
    """
    rules = [Rule(*_pair(one, "--blank", "NAME=PATTERN")) for one in blank]
    shares = {
        name: _days(n) for name, n in (_pair(one, "--days-of", "SERVICE=DAYS") for one in days_of)
    }
    secret = resolve(key, environment=os.environ) if key else ""
    http, syslog = _place(listen), _place(syslog_at) if syslog_at else None
    for place in (http, syslog):
        if place is not None and not place.loopback and not tls_cert:
            raise Invalid(
                f"{place.host} is reached by others: give --tls-cert and --tls-key, or listen on 127.0.0.1."
            )
    if not http.loopback and not secret:
        raise Invalid("Others can reach this port: give --key, so that not anybody can send.")
    news = News(told_at, rules)
    sizes = (Keeping(days, shares, int(gib * GIB)) for gib in (max_gib, metrics_gib, traces_gib))
    intake = Intake(Stores.in_folder(folder, *sizes), Blanks(news.rules()))
    scraper = Scraper(intake, lambda: news.told)
    files = {
        Path(path).absolute(): service
        for service, path in (_pair(one, "--follow", "SERVICE=FILE") for one in follow)
    }
    followed = Followed(intake, files, folder / "followed.json")
    news.heard = lambda: intake.blank_by(Blanks(news.rules()))
    work = (intake.pack_on, followed.follow_on, scraper.scrape_on, news.look_on)
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    if ends_with_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        asyncio.run(_serve(intake, http, syslog, secret, tls_cert, tls_key))
    finally:
        for one in (intake, followed, scraper, news):
            one.end()
        for thread in threads:
            thread.join()
        for store in intake.stores.every.values():
            store.close()


def _end_with_stdin() -> None:
    """Who started us has ended, however: so do we."""
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(
    intake: Intake, http: HostPort, syslog: HostPort | None, key: str, cert: str | None, tls_key: str | None
) -> None:  # fmt: skip
    """Listen until a signal ends it; a port that is taken is said in a sentence."""
    loop, tasks = asyncio.get_running_loop(), []
    config = uvicorn.Config(
        Doors(intake, key), host=http.host, port=http.port, log_config=None, access_log=False,
        lifespan="off", ssl_certfile=cert, ssl_keyfile=tls_key, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip
    if syslog is not None:
        try:
            _, datagrams = await loop.create_datagram_endpoint(
                lambda: Datagrams(intake), local_addr=(syslog.host, syslog.port)
            )
            await asyncio.start_server(
                Stream(intake).serve, syslog.host, syslog.port, ssl=_tls(cert, tls_key)
            )
        except OSError as error:
            raise Invalid(
                f"Cannot listen on {syslog.host}:{syslog.port}: {error.strerror}."
            ) from None
        tasks.append(asyncio.create_task(datagrams.keep_on()))
    server = uvicorn.Server(config)
    click.echo(f"Logs are kept: http{'s' if cert else ''}://{http.host}:{http.port}"
               + (f", syslog at {syslog.host}:{syslog.port}" if syslog else ""))  # fmt: skip
    await server.serve()
    for task in tasks:
        task.cancel()


def _tls(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    if cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise Invalid(f"{option} is {form}; {text!r} is not.")
    return name, value


def _days(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise Invalid(f"--days-of takes days as a number from 1 on; {text!r} is none.")
    return int(text)


def _place(text: str) -> HostPort:
    try:
        return host_port(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is no place to listen: {error}.") from None


def main() -> None:
    """Run it; the exit code says how it ended."""
    group = click.Group(commands={"keep": keep, "kept": kept, "ask": ask})
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        with suppress(KeyboardInterrupt):
            group.main(prog_name="mainstay logs", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except MainstayError as error:
        sys.stderr.write(f"mainstay: {error.sentence}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
