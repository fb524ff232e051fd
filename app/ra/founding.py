"""The founding ceremony, worked once: two founders, their positions and roles, an issuance for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from app.domain.certificate_order import FoundingApproval
from app.domain.desk_record import JobStep
from app.domain.founding import (
    AlreadyFounded,
    Founder,
    FoundingFile,
    FoundingRecord,
    founding_file_from_untrusted,
    require_sound,
)
from app.domain.issuance import CardIssuance, IssuanceStatus
from app.domain.permissions_policy import PermissionsPolicy
from app.errors import InvalidInput
from app.ra.granting import Grant, role_profiles_of
from app.ra.ids import new_record_id
from app.ra.issuing import FOUNDING
from app.ra.ports import Database, Photos, Work
from app.ra.positioning import create_position, require_position
from app.ra.records import PersonReference
from app.ra.registering import register_person


@dataclass(frozen=True)
class FounderTakenIn:
    """One founder as registered, and the open issuance of their card."""

    person: PersonReference
    issuance_id: str


class FoundingCeremony:
    """Founds the registration authority. The database and the certificate authority refuse a second time."""

    def __init__(self, database: Database, photos: Photos, policy: PermissionsPolicy) -> None:
        self._database = database
        self._photos = photos
        self._policy = policy

    def is_founded(self) -> bool:
        """Whether the ceremony was held."""
        with self._database.read() as work:
            return work.founding.get() is not None

    def founders(self) -> list[FounderTakenIn]:
        """The founders whose cards are not issued yet, so that an interrupted ceremony goes on."""
        with self._database.read() as work:
            waiting = [each for each in work.issuances.open() if each.belongs_to_founding]
            names = work.people.names([each.uid for each in waiting])
        return [FounderTakenIn(PersonReference(each.uid, names[each.uid]), each.id) for each in waiting]

    def hold(self, document: bytes, photos: Mapping[str, bytes]) -> list[FounderTakenIn]:
        """Hold the ceremony: people, positions, roles and open issuances, all or nothing.

        Args:
            document: the founding file as it was reviewed, whose digest the CA's key ceremony fixed.
            photos: the founders' pictures by the names under which the file mentions them.

        Raises:
            AlreadyFounded, InvalidInput
        """
        digest = sha256(document).hexdigest()
        with self._database.audited(
            FOUNDING, "registration_authority.founded", digest, digest=digest
        ) as work:
            if work.founding.get() is not None:
                raise AlreadyFounded(
                    "The registration authority was founded already. Register people instead."
                )
            founding = founding_file_from_untrusted(document)
            require_sound(founding, self._policy, work.now.date())
            work.founding.record(_record(founding, digest), work.now)
            taken_in = [
                self._take_in(work, founding, founder, digest, photos) for founder in founding.founders
            ]
            issuances = [founder.issuance_id for founder in taken_in]
            work.audit.details(witnesses=founding.witnesses, issuances=issuances)
            return taken_in

    def _take_in(
        self,
        work: Work,
        founding: FoundingFile,
        founder: Founder,
        digest: str,
        photos: Mapping[str, bytes],
    ) -> FounderTakenIn:
        registration = replace(founder.registration, photo=_photo(founder, photos))
        uid = register_person(work, self._photos, registration, FOUNDING.uid, founding.held_on)
        _give_position(work, founding, founder, uid)
        issuance = _issuance(work, uid, digest)
        work.issuances.add(issuance)
        name = f"{registration.given_name} {registration.family_name}"
        return FounderTakenIn(PersonReference(uid, name), issuance.id)


def _record(founding: FoundingFile, digest: str) -> FoundingRecord:
    return FoundingRecord(digest, founding.organisation_code, founding.held_on, founding.witnesses)


def _photo(founder: Founder, photos: Mapping[str, bytes]) -> bytes:
    if founder.photo_file not in photos:
        raise InvalidInput({"photo": f"The photo {founder.photo_file} of the founding file is missing."})
    return photos[founder.photo_file]


def _give_position(work: Work, founding: FoundingFile, founder: Founder, uid: str) -> None:
    position_id = create_position(work, founder.position, FOUNDING.uid)
    grant = Grant(uid, require_position(work, position_id), founding.held_on, None)
    for profile in role_profiles_of(work, grant):
        work.role_profiles.found(profile, work.now)


def _issuance(work: Work, uid: str, digest: str) -> CardIssuance:
    """Approved from the start: the founding record stands for the operator's signature."""
    return CardIssuance(
        id=new_record_id(),
        uid=uid,
        status=IssuanceStatus.APPROVED,
        operator_uid=None,
        operator_role_profile=None,
        begun_at=work.now,
        steps=(JobStep("approved_by_the_founding_ceremony", work.now, "done"),),
        approval=FoundingApproval(digest),
    )
