"""A card issuance: the record from which putting a card into somebody's hands goes on or is undone.

::

    begun ─► approved ─► personalising ─► certified ─► active
      └─────────┴─────────────┴───────────────┴─► undone

What each state leaves behind when the next step fails stands in ``docs/issuing-a-card.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.certificate_order import OrderApproval
from app.domain.desk_record import DeskRecord
from app.domain.issuance_terms import AT_ONCE, IssuanceTerms
from app.domain.json_value import JsonValue
from app.errors import NotPermitted, Refusal

# The step after which the certificate authority may have signed.
KEYS_PRESENTED = "keys_presented"


class IssuanceStatus(StrEnum):
    """Where an issuance stands."""

    BEGUN = "begun"
    APPROVED = "approved"
    PERSONALISING = "personalising"
    CERTIFIED = "certified"
    ACTIVE = "active"
    UNDONE = "undone"

    @property
    def is_open(self) -> bool:
        """Whether it can go on or be undone."""
        return self not in (IssuanceStatus.ACTIVE, IssuanceStatus.UNDONE)


class CannotIssueToOneself(NotPermitted):
    """The operator would be the holder."""

    code = "cannot_issue_to_oneself"


class IssuanceAlreadyOpen(Refusal):
    """The person or the card is in another open issuance."""

    code = "issuance_already_open"


class IssuanceNotOpen(Refusal):
    """The issuance is finished or was undone."""

    code = "issuance_not_open"


class IssuanceStepOutOfOrder(Refusal):
    """A step came before the one it needs, or after one that fixed its outcome."""

    code = "issuance_step_out_of_order"


class CertificateRequestsChanged(Refusal):
    """Other keys than those already recorded were presented."""

    code = "certificate_requests_changed"


class CertificateRequestNotAcceptable(Refusal):
    """A CSR cannot be read, is not signed by its own key, or repeats a key."""

    code = "certificate_request_not_acceptable"


class ReadBackDiffers(Refusal):
    """What lies on the card is not what was signed."""

    code = "read_back_differs"


class ProofNotValid(Refusal):
    """The card did not prove that it holds the key of its authentication certificate."""

    code = "proof_not_valid"


@dataclass(frozen=True, kw_only=True)
class CardIssuance(DeskRecord):
    """An issuance as it is stored.

    Attributes:
        operator_uid: who began it and must approve it; None when it belongs to the founding ceremony.
        approval: the operator's signature or the founding record, once there is one.
        terms: with a PIN now or locked, from when, temporary or not.
        keys_signature: the approved desk's signature over both keys; None before, and for the founding.
        completion_nonce: what the card must sign to prove that it holds its new key.
        provenance: what the desk presented about where each key was made, by the key's purpose.
    """

    status: IssuanceStatus
    approval: OrderApproval | None = None
    authentication_csr: bytes | None = None
    content_commitment_csr: bytes | None = None
    keys_signature: bytes | None = None
    completion_nonce: str | None = None
    provenance: Mapping[str, JsonValue] | None = None
    terms: IssuanceTerms = AT_ONCE

    @property
    def belongs_to_founding(self) -> bool:
        """Whether the founding ceremony approved it instead of an operator."""
        return self.operator_uid is None


def require_open(issuance: CardIssuance) -> None:
    """Refuse to go on with a finished or undone issuance.

    Raises:
        IssuanceNotOpen
    """
    if not issuance.status.is_open:
        raise IssuanceNotOpen(
            f"This issuance is already {issuance.status.value}. Begin a new one if a card is still needed."
        )


def require_status(issuance: CardIssuance, *allowed: IssuanceStatus) -> None:
    """Refuse a step that does not belong at this point.

    Raises:
        IssuanceNotOpen, IssuanceStepOutOfOrder
    """
    if issuance.status in allowed:
        return
    require_open(issuance)
    raise IssuanceStepOutOfOrder(
        f"The issuance is {issuance.status.value}; this step belongs elsewhere. Open the job again."
    )


def without_keys(issuance: CardIssuance) -> CardIssuance:
    """The issuance while the card holds no keys to be certified: before they are made, or made anew."""
    return replace(
        issuance, authentication_csr=None, content_commitment_csr=None, keys_signature=None, provenance=None
    )


def require_other_operator(operator_uid: str, holder_uid: str) -> None:
    """Refuse to let somebody issue a card to themselves.

    Raises:
        CannotIssueToOneself
    """
    if operator_uid == holder_uid:
        raise CannotIssueToOneself("You cannot issue a card to yourself. Ask another RA manager or agent.")
