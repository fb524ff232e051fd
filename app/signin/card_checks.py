"""What our own register says about the certificate, the card and its holder: one check a function."""

from __future__ import annotations

from datetime import date

from app.domain.card import CardStatus, has_begun
from app.domain.certificate import CertificateStatus
from app.domain.person import PersonStatus
from app.signin.refusals import (
    CardHasExpired,
    CardIsCancelled,
    CardIsSuspended,
    CardNotActive,
    CardNotYetUsable,
    CardReportedLost,
    CardReportedStolen,
    CertificateNotActive,
    CertificateRevoked,
    CertificateUnknown,
    HolderNotActive,
    SignInRefused,
)
from app.signin.staff import CardHolder

_USABLE_CARDS = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRING})
_REFUSAL_FOR_CARD: dict[CardStatus, type[SignInRefused]] = {
    CardStatus.LOST: CardReportedLost,
    CardStatus.STOLEN: CardReportedStolen,
    CardStatus.CANCELLED: CardIsCancelled,
    CardStatus.DESTROYED: CardIsCancelled,
    CardStatus.DAMAGED: CardIsCancelled,
    CardStatus.FAULTY: CardIsCancelled,
    CardStatus.SUSPENDED: CardIsSuspended,
    CardStatus.EXPIRED: CardHasExpired,
}


def require_known(holder: CardHolder | None, der: bytes) -> CardHolder:
    """Refuse a certificate that our register does not have, byte for byte.

    Raises:
        CertificateUnknown
    """
    if holder is None:
        raise CertificateUnknown("our register has no certificate with this serial number")
    if holder.certificate_der != der:
        raise CertificateUnknown("our register has another certificate with this serial number")
    return holder


def require_usable_card(holder: CardHolder) -> None:
    """Refuse a card that is lost, stolen, cancelled, suspended or otherwise not active.

    Raises:
        CardReportedLost, CardReportedStolen, CardIsCancelled, CardIsSuspended, CardHasExpired, CardNotActive
    """
    if holder.card_status not in _USABLE_CARDS:
        refusal = _REFUSAL_FOR_CARD.get(holder.card_status, CardNotActive)
        raise refusal(
            f"the card is {holder.card_status.value}", uid=holder.uid, card_serial=holder.card_serial
        )


def require_begun(holder: CardHolder, today: date) -> None:
    """Refuse a card that was made before its holder starts, until that day.

    Raises:
        CardNotYetUsable
    """
    if not has_begun(holder.usable_from, today):
        raise CardNotYetUsable(
            f"the card is for use from {holder.usable_from}", uid=holder.uid, card_serial=holder.card_serial
        )


def require_active_certificate(holder: CardHolder) -> None:
    """Refuse a certificate that is revoked or not active yet.

    Raises:
        CertificateRevoked, CertificateNotActive
    """
    if holder.certificate_status is CertificateStatus.REVOKED:
        raise CertificateRevoked("the certificate is revoked", uid=holder.uid, card_serial=holder.card_serial)
    if holder.certificate_status is not CertificateStatus.ACTIVE:
        raise CertificateNotActive(
            "the certificate's card is not active yet", uid=holder.uid, card_serial=holder.card_serial
        )


def require_active_holder(holder: CardHolder) -> None:
    """Refuse the card of somebody whose profile is closed.

    Raises:
        HolderNotActive
    """
    if holder.person_status is not PersonStatus.ACTIVE:
        raise HolderNotActive("the profile is closed", uid=holder.uid, card_serial=holder.card_serial)
