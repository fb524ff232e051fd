"""Lets the years go by for a card of a running service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from app.domain.card import CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.renewal import RenewalRules
from app.ra.expiring import Expiring
from app.settings import load
from app.storage.ca.tables import certificate as ledger_certificate
from app.storage.database import Database
from app.storage.tables.cards import certificate
from tests.support.running_service import Service


class Years:
    """Changes when certificates end in the registers of both authorities, who decide by them."""

    def __init__(self, service: Service) -> None:
        settings = load(service.settings)
        self.database, self._ledger = Database(settings.database.url), Database(settings.ca.database_url)

    def let_end(self, card_serial: str, days: float) -> None:
        """As if the card's certificates ended in so many days, and the daily look at all cards had been."""
        at = datetime.now(UTC) + timedelta(days=days)
        for database, table in ((self.database, certificate), (self._ledger, ledger_certificate)):
            with database.change() as work:
                this = table.c.card_serial == card_serial
                work.connection.execute(update(table).where(this).values(not_after=at))
        Expiring(self.database, RenewalRules()).sweep()

    def status(self, card_serial: str) -> CardStatus:
        """What the card is now."""
        with self.database.read() as work:
            card = work.cards.get(card_serial)
        assert card is not None
        return card.status

    def serials(self, card_serial: str, status: CertificateStatus) -> set[str]:
        """The serial numbers of the card's certificates of that status."""
        with self.database.read() as work:
            return {
                each.serial_number for each in work.certificates.of_card(card_serial) if each.status is status
            }

    def close(self) -> None:
        self.database.close()
        self._ledger.close()
