"""Why a certificate is revoked, in the words of RFC 5280 section 5.3.1, and which reason a card's end gives.

``certificateHold`` and ``removeFromCRL`` are left out on purpose: a reported card is never brought back.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RevocationReason(StrEnum):
    """A CRL reason code (RFC 5280 section 5.3.1), by its ASN.1 name."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"


class Giver(StrEnum):
    """Who has a certificate revoked."""

    HOLDER = "holder of the card"
    REGISTRATION_AUTHORITY = "registration authority"
    CA_OPERATOR = "operator of the certificate authority"


REASONS_OF: Mapping[Giver, frozenset[RevocationReason]] = {
    Giver.HOLDER: frozenset({RevocationReason.KEY_COMPROMISE, RevocationReason.CESSATION_OF_OPERATION}),
    Giver.REGISTRATION_AUTHORITY: frozenset(RevocationReason) - {RevocationReason.CA_COMPROMISE},
    Giver.CA_OPERATOR: frozenset(RevocationReason),
}
"""Which reasons each may give. That a CA's own key is compromised is for those to say who hold it; who is
entitled, and to which name, is for others than the holder.
"""

AUTHORITY_REASONS = frozenset(
    {
        RevocationReason.CA_COMPROMISE,
        RevocationReason.AFFILIATION_CHANGED,
        RevocationReason.SUPERSEDED,
        RevocationReason.CESSATION_OF_OPERATION,
        RevocationReason.PRIVILEGE_WITHDRAWN,
    }
)
"""Why the root revokes a CA. A CA's stolen key is cACompromise; keyCompromise is for other certificates."""

_REASON_OF_CARD_END = {
    "lost": RevocationReason.KEY_COMPROMISE,
    "stolen": RevocationReason.KEY_COMPROMISE,
    "damaged": RevocationReason.CESSATION_OF_OPERATION,
    "faulty": RevocationReason.CESSATION_OF_OPERATION,
    "replaced": RevocationReason.SUPERSEDED,
    "renewed": RevocationReason.SUPERSEDED,
    "name_changed": RevocationReason.AFFILIATION_CHANGED,
    "left": RevocationReason.CESSATION_OF_OPERATION,
    "misused": RevocationReason.PRIVILEGE_WITHDRAWN,
    "undone": RevocationReason.CESSATION_OF_OPERATION,
    "cleared": RevocationReason.CESSATION_OF_OPERATION,
    "destroyed": RevocationReason.CESSATION_OF_OPERATION,
}


def reason_of_card_end(card_reason: str) -> RevocationReason:
    """The reason that the certificates of a card get when the card ends for ``card_reason``.

    A lost card counts as a compromised key: whoever finds it may know the PIN, and a signature made after
    the loss must never be believed. An unknown word gives ``unspecified``, which still revokes.
    """
    return _REASON_OF_CARD_END.get(card_reason, RevocationReason.UNSPECIFIED)
