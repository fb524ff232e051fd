"""Cards that grow old, in a real browser, on all that ./run starts: renewed by the holder in one click,
and refused when expired, until the RA agent renews it with the holder. On a card in a folder and on each
kind in PC/SC readers: what is beside the old keys differs with the kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from app.domain.card import CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.renewal import RenewalRules
from app.ra.expiring import Expiring
from app.settings import load
from app.storage.ca.ledger import Ledger
from app.storage.ca.tables import certificate as ledger_certificate
from app.storage.database import Database
from app.storage.tables.cards import certificate
from card_agent.pin import Pin
from tests.support.cards_of_service import (
    certificate_count,
    destroy_certificates,
    key_count,
    processes_of,
)
from tests.support.running_service import CARD_KINDS, Holder, Service, wait_until
from tests.support.walking import READER_1, READER_2, Walker


@pytest.fixture(scope="module", params=(*CARD_KINDS, "piv"))
def card_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


class Years:
    """Lets the years go by for one card: in the registers of both authorities, who decide by them."""

    def __init__(self, service: Service) -> None:
        settings = load(service.settings)
        self.database, self._ledger = Database(settings.database.url), Database(settings.ca.database_url)

    @property
    def ledger(self) -> Ledger:
        """The certificate authority's own record."""
        return Ledger(self._ledger)

    def let_end(self, card_serial: str, days: float) -> None:
        at = datetime.now(UTC) + timedelta(days=days)
        for database, table in ((self.database, certificate), (self._ledger, ledger_certificate)):
            with database.change() as work:
                this = table.c.card_serial == card_serial
                work.connection.execute(update(table).where(this).values(not_after=at))
        Expiring(self.database, RenewalRules()).sweep()

    def status(self, card_serial: str) -> CardStatus:
        with self.database.read() as work:
            card = work.cards.get(card_serial)
        assert card is not None
        return card.status

    def serials(self, card_serial: str, status: CertificateStatus) -> set[str]:
        with self.database.read() as work:
            return {
                each.serial_number for each in work.certificates.of_card(card_serial) if each.status is status
            }

    def close(self) -> None:
        self.database.close()
        self._ledger.close()


@pytest.fixture(scope="module")
def years(service: Service) -> Iterator[Years]:
    years = Years(service)
    yield years
    years.close()


@pytest.fixture(scope="module")
def walkers(browser: Browser, service: Service) -> Iterator[dict[str, Walker]]:
    contexts = {name: browser.new_context(ignore_https_errors=True) for name in ("agent", "sponsor")}
    for context in contexts.values():
        context.set_default_timeout(20_000)
    yield {name: Walker(context, service) for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture
def daniel(service: Service) -> Holder:
    return service.people()["sponsor"]


@pytest.fixture
def priya(service: Service) -> Holder:
    return service.people()["RA agent"]


def certificates_on_card(service: Service, card_serial: str) -> int:
    """How many certificates lie on the card, of whatever set of keys."""
    return processes_of(service).run(card_serial, certificate_count)


def keys_on_card(service: Service, holder: Holder) -> int:
    """How many private keys the card has, of whatever set."""
    return processes_of(service).run(holder.card_serial, key_count, [Pin(holder.pin)])


def finished(walker: Walker) -> None:
    """Watch the run to its end at the desk, and go back to the site."""
    expect(walker.page.locator("#back-to-site.button")).to_be_visible(timeout=60_000)
    walker.require_accessible()
    walker.page.locator("#back-to-site").click()


def test_1_the_holder_is_offered_the_renewal_after_signing_in_and_may_do_it_later(
    walkers: dict[str, Walker], years: Years, daniel: Holder
) -> None:
    years.let_end(daniel.card_serial, days=30)
    assert years.status(daniel.card_serial) is CardStatus.EXPIRING
    sponsor = walkers["sponsor"]
    sponsor.go_to_pin_page(daniel.card_serial)
    sponsor.enter_pin(daniel.pin)
    sponsor.sees("Your card expires on")
    sponsor.require_accessible()
    sponsor.page.get_by_role("link", name="Later").click()
    sponsor.sees(f"Signed in as {daniel.name}")
    sponsor.sees("Your card expires on")
    sponsor.require_accessible()


def test_2_one_click_and_the_pin_renew_the_card(
    walkers: dict[str, Walker], years: Years, daniel: Holder, service: Service, card_kind: str
) -> None:
    sponsor, old = walkers["sponsor"], years.serials(daniel.card_serial, CertificateStatus.ACTIVE)
    sponsor.go_to_pin_page(daniel.card_serial)
    sponsor.enter_pin(daniel.pin)
    sponsor.press("Renew now")
    sponsor.sees("PIN of")
    sponsor.require_accessible()
    sponsor.page.get_by_label(re.compile("PIN of")).fill(daniel.pin)
    sponsor.press("Renew the card")
    finished(sponsor)
    sponsor.sees(f"Signed in as {daniel.name}")
    sponsor.does_not_see("Your card expires on")
    assert years.status(daniel.card_serial) is CardStatus.ACTIVE
    assert years.serials(daniel.card_serial, CertificateStatus.REVOKED) == old
    assert len(years.serials(daniel.card_serial, CertificateStatus.ACTIVE) - old) == 2
    assert certificates_on_card(service, daniel.card_serial) == 2
    # A PIV card destroys no key: others, that nobody certifies, are in the place of the old ones.
    assert keys_on_card(service, daniel) == (4 if card_kind == "piv" else 2)


def test_3_the_renewed_card_signs_in(walkers: dict[str, Walker], daniel: Holder) -> None:
    walkers["sponsor"].sign_in_as(daniel)


def test_4_an_expired_card_is_refused_with_what_to_do(
    walkers: dict[str, Walker], years: Years, daniel: Holder
) -> None:
    years.let_end(daniel.card_serial, days=-1)
    assert years.status(daniel.card_serial) is CardStatus.EXPIRED
    sponsor = walkers["sponsor"]
    sponsor.go_to_pin_page(daniel.card_serial)
    sponsor.enter_pin(daniel.pin)
    sponsor.sees("This card has expired")
    sponsor.sees("two colleagues vouch for you")
    sponsor.require_accessible()


def test_5_the_ra_agent_renews_the_expired_card_with_its_holder(
    walkers: dict[str, Walker], years: Years, daniel: Holder, priya: Holder
) -> None:
    agent = walkers["agent"]
    agent.sign_in_as(priya)
    agent.put_card(READER_1, priya.card_serial)
    agent.put_card(READER_2, daniel.card_serial)
    agent.open(f"/people/{daniel.uid}")
    agent.require_accessible()
    agent.press("Renew the card")
    agent.sees("Renew the card of")
    agent.require_accessible()
    agent.press("Open the card desk")
    agent.sees(f"PIN of {priya.name}")
    agent.require_accessible()
    agent.page.get_by_label(f"PIN of {priya.name}").fill(priya.pin)
    agent.page.get_by_label(f"PIN of {daniel.name}").fill(daniel.pin)
    agent.press("Renew the card")
    finished(agent)
    agent.sees("The card is renewed")
    agent.require_accessible()
    assert years.status(daniel.card_serial) is CardStatus.ACTIVE
    walkers["sponsor"].sign_in_as(daniel)


def lose_certificates(service: Service, holder: Holder) -> None:
    """Something deletes the certificates from the card; the keys stay."""
    processes_of(service).run(holder.card_serial, destroy_certificates, [Pin(holder.pin)])
    assert certificates_on_card(service, holder.card_serial) == 0


def test_6_a_card_without_its_certificates_is_found_out_and_repaired(
    walkers: dict[str, Walker], service: Service, daniel: Holder, priya: Holder
) -> None:
    sponsor, agent = walkers["sponsor"], walkers["agent"]
    agent.clear_desk()
    agent.put_card(READER_2, daniel.card_serial)
    lose_certificates(service, daniel)
    sponsor.go_to_pin_page(daniel.card_serial)
    sponsor.sees("your registration authority can repair it")
    agent.sign_in_as(priya)
    agent.put_card(READER_2, daniel.card_serial)
    agent.open(f"/people/{daniel.uid}")
    agent.press("Repair the card")
    agent.require_accessible()
    agent.press("Open the card desk")
    agent.sees(f"PIN of {daniel.name}")
    agent.require_accessible()
    agent.page.get_by_label(f"PIN of {daniel.name}").fill(daniel.pin)
    agent.press("Repair the card")
    finished(agent)
    agent.sees("The card carries its certificates again")
    assert certificates_on_card(service, daniel.card_serial) == 2
    sponsor.sign_in_as(daniel)


def test_7_the_authority_revoked_what_was_replaced_and_the_audit_verifies(
    service: Service, years: Years, daniel: Holder
) -> None:
    replaced = years.serials(daniel.card_serial, CertificateStatus.REVOKED)
    assert len(replaced) == 4
    ledger = years.ledger
    wait_until(lambda: all(ledger.revocation(serial) for serial in replaced), "the old ones are revoked")
    assert {str(ledger.revocation(serial).reason) for serial in replaced} == {"superseded"}  # type: ignore[union-attr]
    assert service.spine_ra("audit", "verify").returncode == 0
