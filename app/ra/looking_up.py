"""Looking up what everybody may know: organisations, and the national job roles and activities."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from app.domain.organisation import Organisation, OrganisationSummary
from app.domain.rbac import Activity, JobRole, NationalRoles
from app.errors import NotFound

MOST_FOUND = 50


class OrganisationRecords(Protocol):
    """``app.storage.organisations``."""

    def get(self, code: str) -> Organisation | None:
        """The organisation with this ODS code."""

    def search(self, text: str, limit: int) -> list[OrganisationSummary]:
        """Organisations by code, or by the words of name, town and postcode."""


class RbacRecords(Protocol):
    """``app.storage.rbac``."""

    def current(self) -> NationalRoles:
        """The version that holds today."""


class Work(Protocol):
    """One snapshot of the database."""

    @property
    def organisations(self) -> OrganisationRecords: ...
    @property
    def rbac(self) -> RbacRecords: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A read-only snapshot."""


class LookingUpOrganisations:
    """Organisations by code, name, town and postcode."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, text: str) -> Sequence[OrganisationSummary]:
        """At most 50 organisations, the likeliest first."""
        with self._database.read() as work:
            return work.organisations.search(text, MOST_FOUND)

    def organisation(self, code: str) -> Organisation:
        """The organisation with this ODS code.

        Raises:
            NotFound
        """
        with self._database.read() as work:
            organisation = work.organisations.get(code)
        if organisation is None:
            raise NotFound(f"There is no organisation with the code {code}. Search for it by name.")
        return organisation


class LookingUpRoles:
    """The national job roles and activities that can be given today."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def job_roles(self) -> Sequence[JobRole]:
        """Job roles in use, by code."""
        with self._database.read() as work:
            return [role for _, role in sorted(work.rbac.current().job_roles.items()) if role.is_current]

    def activities(self) -> Sequence[Activity]:
        """Activities, by code."""
        with self._database.read() as work:
            return [activity for _, activity in sorted(work.rbac.current().activities.items())]
