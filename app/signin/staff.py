"""Who signs in, as sign-in and relying parties need to know them: card holder, staff member, roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.domain.card import CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.person import PersonStatus


@dataclass(frozen=True)
class CardHolder:
    """A certificate of our register with its card and holder, as one look-up gives them.

    Attributes:
        certificate_der: the whole certificate as we issued it.
        name: given and family name.
        usable_from: the day from which the card may be used; None when that is at once.
    """

    certificate_der: bytes
    certificate_status: CertificateStatus
    card_serial: str
    card_status: CardStatus
    uid: str
    name: str
    person_status: PersonStatus
    usable_from: date | None = None


@dataclass(frozen=True)
class CodedName:
    """A code of the national RBAC tables with its name."""

    code: str
    name: str


@dataclass(frozen=True)
class StaffRole:
    """A role profile that counts today.

    Attributes:
        position_name: what people call it: an organisation may give several with the same job role.
        job_role: three-part code where it is known, with its name.
        activities: additional ones only, as the national services carry them.
        workgroups: their identifiers.
        resolved_activities: all that it lets its holder do: baseline, additional, and what those include.
    """

    role_profile_id: str
    organisation_person_id: str
    organisation: CodedName
    position_name: str
    job_role: CodedName
    activities: tuple[CodedName, ...]
    workgroups: tuple[str, ...]
    resolved_activities: tuple[CodedName, ...]

    @property
    def job_role_in_words(self) -> str:
        """The last of the three quoted names, as people call the role."""
        return self.job_role.name.rpartition(":")[2].strip('"')

    @property
    def in_words(self) -> str:
        """The position with its job role, for whoever must tell their roles apart."""
        return f"{self.position_name} ({self.job_role_in_words})"


@dataclass(frozen=True)
class StaffMember:
    """A person with all roles that count today.

    Attributes:
        registrations: professional body to number, e.g. ``{"gmc": "1234567"}``.
    """

    uid: str
    title: str
    given_name: str
    middle_names: str
    family_name: str
    email: str
    registrations: Mapping[str, str]
    roles: tuple[StaffRole, ...]

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}"

    def role(self, role_profile_id: str | None) -> StaffRole | None:
        """The role with this id, when it counts today."""
        return next((role for role in self.roles if role.role_profile_id == role_profile_id), None)
