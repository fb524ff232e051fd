"""Registering: duplicates, evidence and the photo."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from PIL import Image
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from app.adapters.photo import FRAME, PillowPhotos
from app.domain.evidence import Evidence, EvidenceKind
from app.domain.person import DocumentAlreadyKnown, LikelyDuplicates
from app.domain.professional_registration import ProfessionalBody, ProfessionalRegistration
from app.errors import InvalidInput, NotPermitted, Refusal
from app.storage.tables.people import identity_evidence
from tests.support.registration_authority import Office, another, picture, registration, today


def test_likely_duplicates_are_shown_before_registering(office: Office) -> None:
    amara = office.person(registration())
    alike = office.ra.registering.possible_duplicates(office.manager, "Amára", "Ossei", date(1985, 3, 27), [])
    assert [(each.uid, each.why) for each in alike] == [
        (amara.uid, "the same date of birth and a similar name")
    ]
    by_document = office.ra.registering.possible_duplicates(
        office.manager, "Eve", "Other", date(1970, 1, 1), ["5333 80006"]
    )
    assert [each.why for each in by_document] == ["one of the same documents"]


def test_a_likely_duplicate_is_registered_only_when_it_was_considered(office: Office) -> None:
    office.person(registration())
    twin = replace(another(1), given_name="Amara", family_name="Osei", date_of_birth=date(1985, 3, 27))
    with pytest.raises(LikelyDuplicates, match="Amara Osei"):
        office.ra.registering.register(office.manager, replace(twin, duplicates_considered=False))
    office.ra.registering.register(office.manager, twin)


def test_a_document_that_names_one_person_proves_nobody_else(office: Office) -> None:
    office.person(registration())
    thief = replace(another(2), evidence=registration().evidence)
    with pytest.raises(DocumentAlreadyKnown, match="Amara Osei"):
        office.ra.registering.register(office.manager, thief)
    assert office.ra.audited()[-1] == ("person.registered", "refused", "document_already_known")


def test_a_household_may_share_a_bill(office: Office) -> None:
    office.person(another(1))
    office.person(another(2))


def test_the_database_refuses_the_same_passport_twice(office: Office) -> None:
    amara = office.person(registration())
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            insert(identity_evidence).values(
                uid=office.sponsor.uid,
                kind="uk_passport",
                number="533380006",
                checked_by=amara.uid,
                checked_at=work.now,
            )
        )


def test_of_two_registrations_at_one_moment_one_is_refused(office: Office) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def register() -> None:
        ready.wait()
        try:
            office.ra.registering.register(office.manager, registration(duplicates_considered=True))
            outcomes.append("registered")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [DocumentAlreadyKnown.code, "registered"]


def test_a_professional_number_belongs_to_one_person(office: Office) -> None:
    gmc = (ProfessionalRegistration(ProfessionalBody.GMC, "7654321"),)
    office.person(registration(registrations=gmc))
    with pytest.raises(DocumentAlreadyKnown):
        office.person(replace(another(3), registrations=gmc))


def test_the_operator_confirms_having_checked(office: Office) -> None:
    with pytest.raises(InvalidInput) as refused:
        office.person(registration(confirmed_checked=False))
    assert set(refused.value.problems) == {"confirmed_checked"}


def test_expired_evidence_registers_nobody(office: Office) -> None:
    expired = Evidence(EvidenceKind.UK_PASSPORT, "533380006", expires_on=today() - timedelta(days=1))
    with pytest.raises(InvalidInput):
        office.person(registration(evidence=(expired, *registration().evidence[1:])))


def test_looking_for_duplicates_needs_the_permission(office: Office) -> None:
    with pytest.raises(NotPermitted):
        office.ra.registering.possible_duplicates(office.sponsor, "A", "B", today(), [])
    assert office.ra.audited()[-1] == ("person.duplicates_searched", "refused", "not_permitted")


def test_looking_for_duplicates_is_audited_like_every_search(office: Office) -> None:
    """It finds people by their documents' numbers, so it must not be a way to search unseen."""
    office.ra.registering.possible_duplicates(office.manager, "A", "B", today(), ["123456789"])
    assert office.ra.audited()[-1] == ("person.duplicates_searched", "allowed", "")


def test_ids_go_up_and_carry_their_check_digit(office: Office) -> None:
    first, second = office.person(another(1)).uid, office.person(another(2)).uid
    assert first < second
    assert first.startswith("71")


def read(photo: bytes) -> Image.Image:
    return Image.open(io.BytesIO(photo))


def test_the_stored_photo_is_written_anew_without_metadata(office: Office) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    written = io.BytesIO()
    Image.new("RGB", (480, 600)).save(written, "JPEG", exif=exif, comment=b"secret place")
    amara = office.person(registration(photo=written.getvalue() + b"<script>trailing</script>"))
    stored = office.ra.finding.photo(amara, amara.uid)
    assert (read(stored).format, read(stored).size) == ("JPEG", FRAME)
    assert not read(stored).getexif()
    for trace in (b"taken at home", b"secret place", b"trailing"):
        assert trace not in stored


def test_a_photo_of_another_shape_keeps_its_middle() -> None:
    wide = Image.new("RGB", (1200, 600), (255, 0, 0))
    wide.paste((0, 0, 255), (400, 0, 800, 600))
    written = io.BytesIO()
    wide.save(written, "PNG")
    framed = read(PillowPhotos().card_photo_from_untrusted(written.getvalue()))
    assert framed.size == FRAME
    red, _, blue = framed.getpixel((240, 300))  # type: ignore[misc]
    assert blue > red


def _gif() -> bytes:
    written = io.BytesIO()
    Image.new("P", (480, 600)).save(written, "GIF")
    return written.getvalue()


@pytest.mark.parametrize(
    "upload",
    [b"", b"no picture", picture(100, 100), picture()[:400], _gif(), b"\xff\xd8" + b"\x00" * 100],
)
def test_what_is_no_usable_photo_is_refused(upload: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        PillowPhotos().card_photo_from_untrusted(upload)
    assert set(refused.value.problems) == {"photo"}


def test_a_picture_that_claims_to_be_huge_is_not_decoded() -> None:
    header = bytearray(picture())
    marker = header.index(b"\xff\xc0")
    header[marker + 5 : marker + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(InvalidInput):
        PillowPhotos().card_photo_from_untrusted(bytes(header))
