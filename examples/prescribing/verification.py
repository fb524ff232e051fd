"""Asking the registration authority's verification service whether a signature is to be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from examples.prescribing.settings import Settings

_TIMEOUT_SECONDS = 15


class VerificationUnavailable(Exception):
    """There is no verdict just now, so the signature must not be believed. The message is for the person."""


@dataclass(frozen=True)
class Verdict:
    """What the service says: the published texts of what is wrong, and sentences for people."""

    is_valid: bool
    errors: tuple[str, ...]
    explanations: tuple[str, ...]
    notes: tuple[str, ...]
    signer: str


def verdict_on(document: bytes, signature: bytes, settings: Settings) -> Verdict:
    """The verdict on one signature.

    Raises:
        VerificationUnavailable
    """
    try:
        answer = _asked({"prescription": document.decode(), "signature": signature.decode()}, settings)
        answer.raise_for_status()
        return _read(answer.json())
    except (requests.RequestException, OSError, ValueError, KeyError, TypeError) as error:
        raise VerificationUnavailable(
            "The verification service gives no verdict just now. Do not rely on the signature until it does."
        ) from error


def _asked(question: dict[str, str], settings: Settings) -> requests.Response:
    session = requests.Session()
    # Otherwise a variable of the environment would decide whom to trust, and by which way to go.
    session.trust_env = False
    return session.post(
        f"{settings.issuer}/signatures/verifications",
        json=question,
        headers={"apikey": settings.verification_key_file.read_text().strip()},
        verify=str(settings.ca_file),
        timeout=_TIMEOUT_SECONDS,
    )


def _read(message: dict[str, Any]) -> Verdict:
    signer = message["signer"]
    return Verdict(
        message["valid"] is True,
        tuple(message["errors"]),
        tuple(reason["explanation"] for reason in message["reasons"]),
        tuple(message["notes"]),
        f"{signer['name']} ({signer['uid']})" if signer else "",
    )
