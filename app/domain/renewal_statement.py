"""What is signed to have a card renewed: which card, whose, for which new keys, and as whom one signs.

The keys are made before anything is signed and stand in the statement, so that a signature serves for them
alone, whoever gets hold of it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from app.domain.approval import canonical_statement, facts_from_untrusted
from app.domain.certificate_order import CARD_RENEWAL_STATEMENT


class SignedAs(StrEnum):
    """As what somebody signs: the holder, an operator who renews with them, a colleague who vouches."""

    HOLDER = "holder"
    OPERATOR = "operator"
    COLLEAGUE = "colleague"


@dataclass(frozen=True)
class RenewalStatement:
    """What one signer says. Each attribute is a fact of the statement, under its own name.

    Attributes:
        renewal: id of the renewal.
        holder, holder_name: the card's holder, as in the certificates.
        card_serial: the card that holds the new keys.
        replaces: serial number of the authentication certificate that is renewed.
        authentication_key, content_commitment_key: SHA-256 of each new SubjectPublicKeyInfo, hexadecimal.
        signer: user id of whoever signs.
        signed_as: a value of ``SignedAs``.
        origin: the site.
        signed_at: UTC, ISO 8601.
    """

    renewal: str
    holder: str
    holder_name: str
    card_serial: str
    replaces: str
    authentication_key: str
    content_commitment_key: str
    signer: str
    signed_as: str
    origin: str
    signed_at: str

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        return canonical_statement(CARD_RENEWAL_STATEMENT, {name: getattr(self, name) for name in _FACTS})


_FACTS = tuple(field.name for field in fields(RenewalStatement))


def renewal_statement_from_untrusted(statement: bytes) -> RenewalStatement:
    """The statement, when it is exactly canonical and of our type.

    Raises:
        ApprovalNotValid
    """
    return RenewalStatement(**facts_from_untrusted(statement, CARD_RENEWAL_STATEMENT, _FACTS))
