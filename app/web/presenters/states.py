"""The words and colours of every state, in one place, so that a state looks the same on every page."""

from __future__ import annotations

from app.domain.card import CardStatus
from app.domain.card_job import JobStatus
from app.domain.certificate import CertificateStatus
from app.domain.issuance import IssuanceStatus
from app.domain.person import PersonStatus
from app.domain.request import RequestStatus
from app.domain.system import SystemStatus
from app.domain.system_request import SystemRequestStatus
from app.web.presenters.wording import Tag, sentence

_PERSON = {PersonStatus.ACTIVE: "green", PersonStatus.CLOSED: "grey"}
_REQUEST = {RequestStatus.OPEN: "blue", RequestStatus.GRANTED: "green", RequestStatus.REJECTED: "red"}
_CERTIFICATE = {
    CertificateStatus.ISSUED: "blue",
    CertificateStatus.ACTIVE: "green",
    CertificateStatus.REVOKED: "red",
}
_CARD = {
    CardStatus.ACTIVE: "green",
    CardStatus.LOCKED: "orange",
    CardStatus.SUSPENDED: "orange",
    CardStatus.EXPIRING: "yellow",
    CardStatus.LOST: "red",
    CardStatus.STOLEN: "red",
    CardStatus.CANCELLED: "red",
}
_SYSTEM = {
    SystemStatus.ACTIVE: Tag("Active", "green"),
    SystemStatus.SUSPENDED: Tag("Suspended", "orange"),
    SystemStatus.CLOSED: Tag("Withdrawn", "grey"),
}
_SYSTEM_REQUEST = {
    SystemRequestStatus.OPEN: Tag("To be decided", "blue"),
    SystemRequestStatus.APPROVED: Tag("Approved", "green"),
    SystemRequestStatus.REJECTED: Tag("Rejected", "red"),
    SystemRequestStatus.CANCELLED: Tag("Taken back", "grey"),
    SystemRequestStatus.AT_ONCE: Tag("Done at once", "orange"),
}
_ISSUANCE = {
    IssuanceStatus.BEGUN: Tag("Begun", "blue"),
    IssuanceStatus.APPROVED: Tag("Approved", "blue"),
    IssuanceStatus.PERSONALISING: Tag("Being made", "blue"),
    IssuanceStatus.CERTIFIED: Tag("Certificates signed", "blue"),
    IssuanceStatus.ACTIVE: Tag("Card issued", "green"),
    IssuanceStatus.UNDONE: Tag("Undone", "grey"),
}


_JOB = {
    JobStatus.BEGUN: Tag("Begun", "blue"),
    JobStatus.APPROVED: Tag("Approved", "blue"),
    JobStatus.DONE: Tag("Done", "green"),
    JobStatus.UNDONE: Tag("Undone", "grey"),
}


def person_tag(status: PersonStatus) -> Tag:
    """A person's state."""
    return Tag(sentence(status), _PERSON[status])


def request_tag(status: RequestStatus) -> Tag:
    """A request's state."""
    return Tag(sentence(status), _REQUEST[status])


def certificate_tag(status: CertificateStatus) -> Tag:
    """A certificate's state."""
    return Tag(sentence(status), _CERTIFICATE[status])


def card_tag(status: CardStatus) -> Tag:
    """A card's state; those that are neither good nor bad are grey."""
    return Tag(sentence(status), _CARD.get(status, "grey"))


def issuance_tag(status: IssuanceStatus) -> Tag:
    """A card issuance's state."""
    return _ISSUANCE[status]


def job_tag(status: JobStatus) -> Tag:
    """A card job's state."""
    return _JOB[status]


def system_tag(status: SystemStatus) -> Tag:
    """A system's state."""
    return _SYSTEM[status]


def system_request_tag(status: SystemRequestStatus) -> Tag:
    """The state of a request about a system."""
    return _SYSTEM_REQUEST[status]
