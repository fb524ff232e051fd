"""Repairing cards: the certificates in force go back on the card, and nothing else."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest

from app.domain.card import CardMoveNotAllowed, CardStatus
from app.domain.card_job import CannotWorkOnOwnCard, JobAlreadyOpen, JobStatus
from app.domain.desk_record import JobTokenNotValid
from app.domain.issuance import ReadBackDiffers
from app.errors import NotPermitted
from tests.support.registration_authority import Office, another


def claimed(office: Office, job_id: str) -> tuple[dict[str, object], str]:
    job = office.ra.collecting_jobs.claim(office.ra.following_jobs.ticket(office.manager, job_id))
    return dict(job.job), job.job_token


def test_the_desk_gets_the_certificates_in_force_and_reports_what_it_read_back(office: Office) -> None:
    card = office.sponsor_card
    job_id = office.ra.repairing.begin(office.manager, card.serial)
    assert office.ra.repairing.begin(office.manager, card.serial) == job_id
    job, token = claimed(office, job_id)
    assert job["kind"] == "repair"
    told = job["certificates"]
    assert isinstance(told, dict)
    assert {name: b64decode(text) for name, text in told.items()} == card.certificates
    wrong = {name: sha256(b"other").hexdigest() for name in card.certificates}
    with pytest.raises(ReadBackDiffers):
        office.ra.repairing.complete(token, job_id, read_back=wrong)
    for _ in range(2):
        office.ra.repairing.complete(token, job_id, read_back=card.read_back())
    with office.ra.database.read() as work:
        known = work.card_jobs.get(job_id)
    assert known is not None
    assert known.status is JobStatus.DONE
    assert ("card.repaired", "allowed", "") in office.ra.audited()


def test_who_may_repair_and_which_cards(office: Office) -> None:
    serial = office.sponsor_card.serial
    with pytest.raises(NotPermitted):
        office.ra.repairing.begin(office.sponsor, office.manager_card.serial)
    with pytest.raises(CannotWorkOnOwnCard):
        office.ra.repairing.begin(office.manager, office.manager_card.serial)
    other = office.person(another(1), office.position("RA agent", "R5090", "B0274"))
    job_id = office.ra.repairing.begin(office.manager, serial)
    with pytest.raises(JobAlreadyOpen):
        office.ra.repairing.begin(other, serial)
    _, token = claimed(office, job_id)
    office.ra.following_jobs.undo(other, job_id, "Not needed")
    with pytest.raises(JobTokenNotValid):
        office.ra.repairing.complete(token, job_id, read_back=office.sponsor_card.read_back())
    with office.ra.database.change() as work:
        card = work.cards.get_to_change(serial)
        assert card is not None
        work.cards.move(card, CardStatus.SUSPENDED)
    with pytest.raises(CardMoveNotAllowed):
        office.ra.repairing.begin(office.manager, serial)
