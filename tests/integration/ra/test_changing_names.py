"""A name changes on evidence, and the card that carries the old one is replaced without a day between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.domain.card import CardAlreadyHeld, CardMoveNotAllowed, CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.name_change import CannotChangeOwnName, NameChange, NameChangeReason
from app.errors import InvalidInput, NotPermitted
from app.storage.tables.audit import audit_event
from tests.support.registration_authority import Office
from tests.support.renewals import let_certificates_end, soon

MARRIED = NameChange("Daniel", "", "Okafor-Lind", NameChangeReason.MARRIAGE, "MXA 123456")


def status_of(office: Office, serial: str) -> CardStatus:
    with office.ra.database.read() as work:
        card = work.cards.get(serial)
    assert card is not None
    return card.status


def test_the_change_is_on_record_with_before_after_and_document(office: Office) -> None:
    assert office.ra.names.change(office.manager, office.sponsor.uid, MARRIED) == office.sponsor_card.serial
    with office.ra.database.read() as work:
        person = work.people.get(office.sponsor.uid)
        chosen = select(audit_event).where(audit_event.c.event == "person.name_changed")
        event = work.connection.execute(chosen).one()
    assert person is not None
    assert (person.name, person.card_name) == ("Daniel Okafor-Lind", "Daniel Okafor-Lind")
    assert (event.details["before"], event.details["after"]) == ("Daniel Okafor", "Daniel Okafor-Lind")
    assert (event.details["document"], event.details["reason_given"]) == ("MXA 123456", "marriage")
    assert ("directory.person", office.sponsor.uid) in office.ra.announced()


def test_the_old_card_works_until_the_new_one_is_active_and_is_cancelled_with_it(office: Office) -> None:
    old = office.sponsor_card.serial
    office.ra.names.change(office.manager, office.sponsor.uid, MARRIED)
    desk, new = office.begun(office.sponsor.uid), office.blank()
    desk.approve(new, office.manager_card)
    desk.personalise(new)
    nonce = desk.certify(new)
    assert status_of(office, old) is CardStatus.ACTIVE
    desk.complete(new, nonce)
    assert (status_of(office, old), status_of(office, new.serial)) == (
        CardStatus.CANCELLED,
        CardStatus.ACTIVE,
    )
    with office.ra.database.read() as work:
        certificates = work.certificates.of_card(old)
    assert {(each.status, each.reason) for each in certificates} == {
        (CertificateStatus.REVOKED, "affiliationChanged")
    }


def test_without_a_change_a_working_card_is_not_replaced(office: Office) -> None:
    with pytest.raises(CardAlreadyHeld):
        office.ra.issuing.begin(office.manager, office.sponsor.uid)


def test_a_card_with_the_old_name_is_replaced_and_not_renewed(office: Office) -> None:
    office.ra.names.change(office.manager, office.sponsor.uid, MARRIED)
    let_certificates_end(office, office.sponsor_card, soon(30))
    assert office.ra.renewing.due(office.sponsor.uid) is None
    with pytest.raises(CardMoveNotAllowed, match="Replace the card"):
        office.ra.renewing.begin_own(office.sponsor, office.sponsor_card.serial)


def test_who_may_change_a_name_and_what_a_name_is(office: Office) -> None:
    with pytest.raises(CannotChangeOwnName):
        office.ra.names.change(office.manager, office.manager.uid, MARRIED)
    with pytest.raises(NotPermitted):
        office.ra.names.change(office.sponsor, office.manager.uid, MARRIED)
    wrong = {
        "given_name": "R2-D2",
        "family_name": "<b>",
        "middle_names": "7",
        "document_number": " ",
    }
    for field, value in wrong.items():
        with pytest.raises(InvalidInput) as refusal:
            office.ra.names.change(office.manager, office.sponsor.uid, replace(MARRIED, **{field: value}))
        assert set(refusal.value.problems) == {field}
    with pytest.raises(InvalidInput):
        office.ra.names.change(office.manager, office.sponsor.uid, replace(MARRIED, family_name="Okafor"))
