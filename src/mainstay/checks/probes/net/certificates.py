"""What a certificate says: how long it lasts, for whom, by whom."""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timedelta

from cryptography import x509

from mainstay.checks.result import Value

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)
CERTIFICATES_MAX = 500


def of_line(tls: ssl.SSLObject | None, now: datetime) -> dict[str, Value]:
    """`cert_days`, `cert_name`, `cert_issuer`, `tls_version` of a connection."""
    if tls is None:
        return {}
    der = tls.getpeercert(binary_form=True)
    found: dict[str, Value] = {"tls_version": tls.version()}
    return found | (of_certificate(x509.load_der_x509_certificate(der), now) if der else {})


def of_certificate(certificate: x509.Certificate, now: datetime) -> dict[str, Value]:
    """Days as a number with its fraction; negative once it has ended."""
    return {
        "cert_days": (certificate.not_valid_after_utc - now) / timedelta(days=1),
        "cert_name": _name(certificate.subject),
        "cert_issuer": _name(certificate.issuer),
    }


def of_file(data: bytes) -> list[x509.Certificate]:
    """The certificates in a file, PEM or DER. ValueError when it holds none that can be read."""
    blocks = _PEM.findall(data)
    if blocks:
        return [x509.load_pem_x509_certificate(block) for block in blocks[:CERTIFICATES_MAX]]
    return [x509.load_der_x509_certificate(data)]


def _name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
