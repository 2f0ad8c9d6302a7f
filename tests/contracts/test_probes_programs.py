"""Do the probes of mail, mailboxes and names agree with real servers: aiosmtpd, Dovecot, dnsmasq?"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller

from looking import look
from peers import free_port, wait_until

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Proof:
    """A certificate for 127.0.0.1, in files, and who vouches for it."""

    ca: str
    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    folder, authority = tmp_path_factory.mktemp("proof"), trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    files = [folder / name for name in ("ca.pem", "cert.pem", "key.pem")]
    blobs = (authority.cert_pem, made.cert_chain_pems[0], made.private_key_pem)
    for blob, file in zip(blobs, files, strict=True):
        blob.write_to_path(str(file))
    return Proof(str(files[0]), files[1], files[2])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(argv: list[str], *ports: int) -> Iterator[None]:
    """A server in the foreground, once all its ports take calls."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"no {argv[0]} here (make peers says how to get it)")
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: all(map(listens, ports)), within_s=30, what=argv[0])
            yield
        finally:
            process.terminate()


def _well(check: dict[str, Any], port: int, *expect: str) -> None:
    found = look({**check, "expect": list(expect), "timeout": "30s"}, allow=(f"127.0.0.1:{port}",))
    assert found.verdict == "ok", found.sentence


# -- mail ------------------------------------------------------------------------------------------


def test_a_real_mail_server_greets_and_has_a_certificate(proof: Proof) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(proof.certificate, proof.key)
    server = Controller(object(), hostname="127.0.0.1", port=free_port(), tls_context=context)
    server.start()
    try:
        to = f"127.0.0.1:{server.port}"
        _well({"smtp": {"to": to}}, server.port, 'banner contains "220"', "latency < 30s")
        _well({"smtp": {"to": to, "starttls": True, "ca": proof.ca}}, server.port, "cert_days > 1")
        strange = look({"smtp": {"to": to, "starttls": True}}, allow=(to,))
        assert "not one that we trust" in strange.sentence
    finally:
        server.stop()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may pass through, as Dovecot's own do."""
    with TemporaryDirectory(prefix="mainstay-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start Dovecot with its own users")
def test_a_real_mailbox_server_greets_and_has_a_certificate(
    proof: Proof, open_folder: Path
) -> None:
    plain, tls = free_port(), free_port()
    config = open_folder / "dovecot.conf"
    config.write_text(f"""
protocols = imap
listen = 127.0.0.1
base_dir = {open_folder}/run
state_dir = {open_folder}/run
log_path = {open_folder}/log
passdb {{
  driver = static
  args = password=canary
}}
userdb {{
  driver = static
  args = uid=1000 gid=1000 home=/nonexistent
}}
ssl = yes
ssl_cert = <{proof.certificate}
ssl_key = <{proof.key}
service imap-login {{
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
""")
    with running(["dovecot", "-F", "-c", str(config)], plain, tls):
        to = f"127.0.0.1:{plain}"
        _well({"imap": {"to": to}}, plain, 'banner contains "Dovecot"')
        _well({"imap": {"to": to, "starttls": True, "ca": proof.ca}}, plain, "cert_days > 1")
        _well({"tls": {"to": f"127.0.0.1:{tls}", "ca": proof.ca}}, tls, "cert_days > 1")


# -- names -----------------------------------------------------------------------------------------


def test_a_real_name_server_answers_every_kind_of_question() -> None:
    port = free_port()
    place = f"127.0.0.1:{port}"
    long = " ".join(f"--txt-record=long.example,{n:03}-{'x' * 200}" for n in range(20)).split()
    argv = [
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}", "--pid-file=",
        f"--user={getpass.getuser()}", "--local-ttl=60", "--local=/example/",
        "--host-record=pay.example,192.0.2.7,2001:db8::7", "--mx-host=example,mail.example,10",
        "--txt-record=example,v=spf1 -all", "--srv-host=_pay._tcp.example,pay.example,8443,5",
        "--cname=www.example,pay.example", "--ptr-record=7.2.0.192.in-addr.arpa,pay.example",
        "--caa-record=example,0,issue,ca.example", *long,
    ]  # fmt: skip

    def asked(name: str, kind: str = "A", *expect: str) -> None:
        _well({"dns": {"name": name, "type": kind, "server": place}}, port, *expect)

    with running(argv, port):
        asked("pay.example", "A", 'answers[0] == "192.0.2.7"', "count == 1", "ttl == 1m")
        asked("pay.example", "AAAA", 'answers[0] == "2001:db8::7"')
        asked("example", "MX", 'answers[0] == "10 mail.example"')
        asked("example", "TXT", 'answers[0] == "v=spf1 -all"')
        asked("_pay._tcp.example", "SRV", 'answers[0] contains "8443 pay.example"')
        asked("www.example", "CNAME", 'answers[0] == "pay.example"')
        asked("192.0.2.7", "PTR", 'answers[0] == "pay.example"')
        asked("example", "CAA", 'answers[0] == "0 issue ca.example"')
        asked("www.example", "A", 'answers[0] == "192.0.2.7"')
        asked("long.example", "TXT", "count == 20")  # too long for UDP: asked again by TCP
        none = look({"dns": {"name": "none.example", "server": place}}, allow=(place,))
        assert none.sentence == f"{place} answers NXDOMAIN for none.example."
