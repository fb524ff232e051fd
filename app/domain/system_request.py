"""What is asked of a registered system, or for a new one, and who may decide it.

Two people, always: whoever asks neither approves nor checks the host names. Stopping a system is the one
thing that a single person may do at once, because it takes rights away; two let it go on. The database
refuses the same in ``app/storage/tables/system_requests.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.system_details import SystemDetails
from app.errors import NotPermitted, Refusal


class SystemRequestKind(StrEnum):
    """What is asked for."""

    REGISTER = "register"
    CHANGE = "change"
    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"
    CERTIFICATE = "certificate"


class SystemRequestStatus(StrEnum):
    """Where it stands. ``AT_ONCE`` is what one person did alone: a suspension."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    AT_ONCE = "at_once"


class CannotApproveOwnSystemRequest(NotPermitted):
    """The approver is the one who asked."""

    code = "cannot_approve_own_system_request"


class CannotCheckOwnHostNames(NotPermitted):
    """The one who checks the host names is the one who asked."""

    code = "cannot_check_own_host_names"


class SystemRequestAlreadyDecided(Refusal):
    """It is closed."""

    code = "system_request_already_decided"


class SystemRequestAlreadyOpen(Refusal):
    """Something else is asked for the same system."""

    code = "system_request_already_open"


class HostNamesNotChecked(Refusal):
    """There are endpoints whose host names nobody has checked."""

    code = "host_names_not_checked"


class SystemInOtherState(Refusal):
    """The system is suspended, withdrawn or active, and what was asked needs another state."""

    code = "system_in_other_state"


@dataclass(frozen=True)
class HostNamesCheck:
    """Who found the host names in order.

    Attributes:
        found: host name to the addresses that it had at that moment; empty when it had none from here.
    """

    by: str
    role_profile: str
    at: datetime
    found: Mapping[str, list[str]]


@dataclass(frozen=True)
class SystemRequest:
    """A request as it is stored.

    Attributes:
        asid: the system; None until a new one is registered.
        details: what the system shall be, of a registration or change.
        csr: PKCS#10, DER, and ``spki_sha256`` its key, of a certificate.
        batch: the list that it came with.
        new_hosts: host names that must be checked before it can be approved.
    """

    id: str
    kind: SystemRequestKind
    asid: str | None
    organisation_code: str
    product: str
    reason: str
    requested_by: str
    requested_role_profile: str
    requested_at: datetime
    details: SystemDetails | None = None
    csr: bytes | None = None
    spki_sha256: str | None = None
    batch: str | None = None
    new_hosts: tuple[str, ...] = ()
    status: SystemRequestStatus = SystemRequestStatus.OPEN
    hosts_checked: HostNamesCheck | None = None
    decided_by: str | None = None
    decided_role_profile: str | None = None
    decided_at: datetime | None = None
    decision_note: str = ""


def require_open(request: SystemRequest) -> None:
    """Refuse to touch what is decided.

    Raises:
        SystemRequestAlreadyDecided
    """
    if request.status is not SystemRequestStatus.OPEN:
        raise SystemRequestAlreadyDecided(
            f"This request is {request.status.value.replace('_', ' ')} already. Nothing was changed."
        )


def require_another_decides(request: SystemRequest, uid: str) -> None:
    """Refuse a decision by whoever asked, in whichever role.

    Raises:
        SystemRequestAlreadyDecided, CannotApproveOwnSystemRequest
    """
    require_open(request)
    if uid == request.requested_by:
        raise CannotApproveOwnSystemRequest("You asked for this. Another person must decide it.")


def require_another_checks(request: SystemRequest, uid: str) -> None:
    """Refuse a check of host names by whoever asked.

    Raises:
        SystemRequestAlreadyDecided, CannotCheckOwnHostNames
    """
    require_open(request)
    if uid == request.requested_by:
        raise CannotCheckOwnHostNames("You asked for this. Another person must check the host names.")


def require_hosts_checked(request: SystemRequest) -> None:
    """Refuse an approval while host names are unchecked.

    Raises:
        HostNamesNotChecked
    """
    if request.new_hosts and request.hosts_checked is None:
        raise HostNamesNotChecked(
            f"The host names must be checked first: {', '.join(request.new_hosts)}. "
            "Somebody who may approve host names does it on this page."
        )
