"""Who does something, in which role profile, and from where. Every audit event names one."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.permission import Permission
from app.errors import NotPermitted


@dataclass(frozen=True)
class Actor:
    """A person in a chosen role profile, or one of our own processes (``uid`` is then ``system:<name>``).

    Attributes:
        uid: 12-digit user id, or ``system:<process>``, or ``anonymous``.
        name: as shown to colleagues, e.g. ``Amara Osei``.
        role_profile_id: the 12-digit id of the chosen role profile; None when none is chosen.
        organisation_code: the ODS code of the role profile's organisation; None when none is chosen.
        permissions: what that role profile may do.
        address: the network address the request came from.
        request_id: one id per request, shown on error pages and kept in the audit.
    """

    uid: str
    name: str
    role_profile_id: str | None = None
    organisation_code: str | None = None
    permissions: frozenset[Permission] = frozenset()
    address: str = ""
    request_id: str = ""

    @classmethod
    def system(cls, process: str) -> Actor:
        """The actor for one of our own processes, which holds no permission of a person."""
        return cls(uid=f"system:{process}", name=process)

    @property
    def is_person(self) -> bool:
        """Whether this is a person rather than a process or nobody."""
        return self.uid.isdigit()

    def require(self, permission: Permission) -> None:
        """Refuse when the chosen role profile does not carry the permission.

        Raises:
            NotPermitted
        """
        if permission not in self.permissions:
            raise NotPermitted(
                "Your role does not allow this. If you need it, ask your Registration Authority."
            )
