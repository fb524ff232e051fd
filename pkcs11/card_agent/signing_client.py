"""The agent's side of a signature: it collects from the site what is to be signed, and brings the signature.

JSON over TLS that the agent opens to a site of its settings. The reference in the browser's address works
once; the token that is given for it is for this agent and this one signature.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from card_agent.errors import DocumentRefused, RequestRefused, SiteUnavailable
from card_agent.job_client import as_base64
from card_agent.prescription import Prescription, prescription_from_untrusted
from card_agent.settings import Site
from card_agent.site_connection import call

PRESCRIPTION = "prescription"
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{43,128}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class SigningRequest:
    """A site's request that one person signs one prescription. ``signer_uid`` is whose card must sign."""

    site: Site
    id: str
    signer_uid: str
    prescription: Prescription
    _token: str = field(repr=False)

    @property
    def return_address(self) -> str:
        """Return where the browser goes afterwards, signed or not."""
        return f"{self.site.origin}/card-signing/{self.id}"

    def deliver(self, signature: bytes) -> None:
        """Bring the signature; twice changes nothing. Raises JobRefused or SiteUnavailable."""
        headers = {"Authorization": f"Bearer {self._token}"}
        body = {"signature": as_base64(signature)}
        call(self.site, "PUT", f"/card-signing/{self.id}/signature", body, headers)


def collect(site: Site, reference: str) -> SigningRequest:
    """Exchange the one-time reference for what is to be signed.

    Raises RequestRefused (400), JobRefused, SiteUnavailable or DocumentRefused.
    """
    if not _REFERENCE.fullmatch(reference):
        raise RequestRefused(400, f"{site.name} sent an incomplete request. Go back to it and start again.")
    answer = call(site, "POST", "/card-signing/claim", {"reference": reference}, {})
    try:
        return _request(site, answer)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise SiteUnavailable(
            f"{site.name} sent a request that cannot be read. Tell your IT service desk."
        ) from error


def _request(site: Site, answer: Mapping[str, object]) -> SigningRequest:
    if answer["kind"] != PRESCRIPTION:
        raise DocumentRefused(
            f"{site.name} asks for a signature on something other than a prescription. This card agent signs "
            "prescriptions only."
        )
    document = base64.b64decode(_text(answer["document"]), validate=True)
    request = SigningRequest(
        site,
        _text(answer["id"]),
        _text(answer["signer_uid"]),
        prescription_from_untrusted(document),
        _text(answer["token"]),
    )
    if not _ID.fullmatch(request.id):
        raise ValueError("the id is of another form")
    _require_own(request)
    return request


def _require_own(request: SigningRequest) -> None:
    """The one who signs must be the one whom the prescription names. Raises DocumentRefused."""
    if request.prescription.prescriber_uid != request.signer_uid:
        raise DocumentRefused(
            "The prescription names another prescriber than the person who is asked to sign it."
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value
