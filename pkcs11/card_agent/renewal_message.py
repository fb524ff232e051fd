"""What the site says of a renewal, checked before it is believed, and the statement that is signed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from card_agent.card_job import CardJob
from card_agent.desk_job import (
    JSON_NAMES,
    IssuedCertificates,
    as_bytes,
    as_table,
    as_text,
    certificates_from_untrusted,
    unreadable,
)
from card_agent.errors import JobUnusable
from card_agent.job_kind import JobAtDesk
from card_agent.ports import Purpose
from card_agent.signed_statement import canonical, key_fingerprint

STATEMENT_TYPE = "spine-ra/card-renewal/1"
_SIGNED_AS = {"holder": "holder", "operator": "operator", "colleagues": "colleague"}
_SIGNATURES = {"holder": 1, "operator": 1, "colleagues": 2}


@dataclass(frozen=True)
class RenewalMessage:
    """A renewal as the site knows it.

    Attributes:
        signing: ``holder``, ``operator`` or ``colleagues``.
        signed_by: user ids of those who signed for the keys of ``requests``.
        replaces: serial number of the authentication certificate that is renewed.
        requests: the CSRs that the site holds, by purpose; empty before the keys were made.
        certificates: what was issued for them; None before.
    """

    signing: str
    signed_by: tuple[str, ...]
    replaces: str
    requests: Mapping[Purpose, bytes]
    certificates: IssuedCertificates | None

    @property
    def signatures_missing(self) -> int:
        """Return how many signatures are still to be made."""
        return 0 if self.certificates else _SIGNATURES[self.signing] - len(self.signed_by)

    @property
    def needs_signer(self) -> bool:
        """Say whether somebody else's card is needed now."""
        return self.signing != "holder" and self.signatures_missing > 0


def renewal_from_untrusted(job: CardJob) -> RenewalMessage:
    """Return the renewal in the job's JSON. Raises SiteUnavailable (cannot be read) or JobUnusable."""
    table = job.message
    try:
        signing, signed_by = as_text(table["signing"]), table["signed_by"]
        if signing not in _SIGNED_AS or not isinstance(signed_by, list):
            raise JobUnusable("This desk cannot renew a card in this way. Update its card agent.")
        requests = table["requests"]
        return RenewalMessage(
            signing,
            tuple(as_text(uid) for uid in signed_by),
            as_text(table["replaces"]),
            _requests(as_table(requests)) if requests else {},
            certificates_from_untrusted(table["certificates"]) if table["certificates"] else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error


def _requests(table: Mapping[str, object]) -> dict[Purpose, bytes]:
    return {purpose: as_bytes(table[name]) for purpose, name in JSON_NAMES.items()}


def statement(
    at_desk: JobAtDesk, told: RenewalMessage, requests: Mapping[Purpose, bytes], signer_uid: str
) -> bytes:
    """Return the canonical JSON that is signed: sorted keys, no spaces, UTF-8.

    The keys in it are those that this desk had the card make, whatever the site says.
    """
    job = at_desk.job
    facts = {
        "type": STATEMENT_TYPE,
        "renewal": job.id,
        "holder": job.holder.uid,
        "holder_name": job.holder.name,
        "card_serial": job.card_serial,
        "replaces": told.replaces,
        "authentication_key": key_fingerprint(requests[Purpose.AUTHENTICATION]),
        "content_commitment_key": key_fingerprint(requests[Purpose.CONTENT_COMMITMENT]),
        "signer": signer_uid,
        "signed_as": _SIGNED_AS[told.signing],
        "origin": at_desk.link.site.origin,
        "signed_at": at_desk.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return canonical(facts)
