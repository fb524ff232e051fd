"""The protocol of the key ceremony: what was made, for people to sign and keep on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509

from app.ca.ceremony_plan import CeremonyPlan
from app.ca.ceremony_record import AuthorityKey


@dataclass(frozen=True)
class Tokens:
    """Where the keys are: the root's token, and that of every other key."""

    root: str
    others: str


def protocol_text(
    plan: CeremonyPlan,
    founders: Sequence[str],
    keys: Sequence[AuthorityKey],
    tokens: Tokens,
    printed_at: datetime,
) -> str:
    """The protocol as plain text of at most 100 columns, ending with the lines for the signatures."""
    parts = [
        _heading(plan, founders, tokens, printed_at),
        *(key_lines(each) for each in keys),
        signature_lines(["Ceremony leader", "Witness", "Witness"]),
    ]
    return "\n\n".join(parts) + "\n"


def _heading(plan: CeremonyPlan, founders: Sequence[str], tokens: Tokens, printed_at: datetime) -> str:
    lines = [
        "PROTOCOL OF THE KEY CEREMONY",
        "",
        f"Printed              {printed_at:%Y-%m-%d %H:%M:%S} UTC",
        f"Token of the root    {tokens.root}",
        f"Token of the others  {tokens.others}",
        "Ceremony file        SHA-256",
        fingerprint(bytes.fromhex(plan.digest)),
        f"Founding file        {plan.founding_file}, SHA-256",
        fingerprint(bytes.fromhex(plan.founding_digest)),
        f"Founders             {', '.join(founders)}",
        "",
        "Each founder's card may be ordered once without an operator's card. After that every",
        "order needs an approval signed with the card of an operator.",
        "",
        "The root's token is taken off the machine now. It comes back for the next ceremony alone.",
    ]
    return "\n".join(lines)


def key_lines(key: AuthorityKey) -> str:
    """A key and its certificate, for people to compare."""
    lines = [
        key.name.upper(),
        f"  kind               {key.kind.replace('_', ' ')}, {key.key_type}, not exportable",
        "  public key         SHA-256 of SubjectPublicKeyInfo",
        fingerprint(sha256(key.public_key).digest()),
    ]
    if key.certificate is not None:
        lines += _certificate_lines(key.certificate)
    return "\n".join(lines)


def _certificate_lines(der: bytes) -> list[str]:
    certificate = x509.load_der_x509_certificate(der)
    return [
        f"  subject            {certificate.subject.rfc4514_string()}",
        f"  issuer             {certificate.issuer.rfc4514_string()}",
        f"  serial number      {certificate.serial_number:x}",
        f"  validity           {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} to "
        f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC",
        "  certificate        SHA-256",
        fingerprint(sha256(der).digest()),
    ]


def fingerprint(digest: bytes) -> str:
    """Two lines of pairs of hexadecimal digits, as people compare them aloud."""
    pairs = [f"{byte:02X}" for byte in digest]
    half = len(pairs) // 2
    return f"    {' '.join(pairs[:half])}\n    {' '.join(pairs[half:])}"


def signature_lines(people: Sequence[str]) -> str:
    """Where people sign that they compared the values."""
    lines = ["We were present, compared these values with the screen, and found them equal.", ""]
    for person in people:
        lines += [f"{person:<18}  ______________________________   Date  ______________", ""]
    return "\n".join(lines).rstrip()
