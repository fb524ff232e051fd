"""A second person's consent to the last try of a PIN or SO PIN: signed on a card or confirmed, and recorded.

Why a second person: whoever has found a card, or is guessing, comes to the last try alone; and a holder who
is sure of the PIN is helped by somebody who asks "is that not your other card's?". Where there are two
readers, the second person's own card signs. Where there is one, as on most wards, the second person's user id
is confirmed and the site keeps who was named; that proves less, and is there to be asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from card_agent.card_process import CardProcesses
from card_agent.card_signature import signed_by
from card_agent.card_views import CardView
from card_agent.errors import Refusal
from card_agent.job_client import as_base64
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.settings import Site
from card_agent.signed_statement import canonical
from card_agent.site_connection import call

STATEMENT_TYPE = "spine-ra/last-try-consent/1"
_PATH = "/desk/last-try-consents"


@dataclass(frozen=True)
class LastTryDesk:
    """What a consent needs: the sites of which the first records it, and the cards' processes."""

    authorities: tuple[Site, ...]
    processes: CardProcesses

    @property
    def site(self) -> Site:
        """Return the site that records. Raises Refusal when this desk works with none."""
        if not self.authorities:
            raise Refusal("No site of this card agent records who agreed: the last try cannot be used here.")
        return self.authorities[0]

    def agree_with_card(self, card: CardView, second: CardView, pin: Pin, now: datetime) -> None:
        """Have the second person's card sign the consent, and the site record it.

        Raises PinIncorrect, PinLocked, LastTry, CardRemoved, CardFault, JobRefused or SiteUnavailable.
        """
        if second.holder_uid == card.holder_uid:
            raise Refusal("Somebody else must agree: this is a second card of the same person.")
        signed = statement(card, second.holder_uid, self.site.origin, now)
        signature = signed_by(self.processes, second, pin, Purpose.CONTENT_COMMITMENT, signed)
        certificate = second.certificates[Purpose.CONTENT_COMMITMENT]
        self._tell({"signature": as_base64(signature), "certificate": as_base64(certificate)}, signed)

    def agree_by_word(self, card: CardView, second_uid: str, now: datetime) -> None:
        """Have the site record that this person is here and agrees. Raises JobRefused or SiteUnavailable."""
        if second_uid == card.holder_uid:
            raise Refusal("Somebody else must agree: this is the card holder's own user id.")
        self._tell({}, statement(card, second_uid, self.site.origin, now))

    def _tell(self, proof: Mapping[str, object], signed: bytes) -> None:
        call(self.site, "POST", _PATH, {"statement": as_base64(signed), **proof}, {})


def statement(card: CardView, second_uid: str, origin: str, now: datetime) -> bytes:
    """Return the canonical JSON of the consent: sorted keys, no spaces, UTF-8. ``now`` is UTC."""
    facts = {
        "type": STATEMENT_TYPE,
        "card_serial": card.serial,
        "secret": "so-pin" if card.awaits_so_consent else "pin",
        "holder": card.holder_uid,
        "second": second_uid,
        "origin": origin,
        "signed_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return canonical(facts)
