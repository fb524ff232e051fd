"""The form that creates a position, with one to five access profiles.

Field names are those of ``app.domain.position``; the n-th access profile has ``access_profiles.<n>.…``.
"""

from __future__ import annotations

from datetime import date

from werkzeug.datastructures import MultiDict

from app.domain.position import AccessProfile, Approval, NewPosition
from app.web.forms.submitted import SubmittedForm

MOST_ACCESS_PROFILES = 5


class PositionForm(SubmittedForm):
    """A position as it was typed, for one organisation."""

    def __init__(self, organisation_code: str, fields: MultiDict[str, str] | None = None) -> None:
        super().__init__(fields)
        self._organisation_code = organisation_code

    @property
    def profile_rows(self) -> range:
        """The access profiles on the page, counted from 0."""
        typed = self.value("profiles")
        count = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else 1
        return range(min(max(count, 1), MOST_ACCESS_PROFILES))

    @property
    def may_add(self) -> bool:
        """Whether one more access profile fits on the page."""
        return len(self.profile_rows) < MOST_ACCESS_PROFILES

    def add_access_profile(self) -> None:
        """Show one more access profile."""
        self.keep("profiles", str(len(self.profile_rows) + 1))

    def new_position(self, today: date) -> NewPosition:
        """The position as typed.

        Raises:
            InvalidInput: with one problem a field.
        """
        position = NewPosition(
            organisation_code=self._organisation_code,
            name=self.text("name", missing="Enter a name for the position."),
            notes=self.text("notes", longest=2000),
            access_profiles=tuple(self._access_profile(row) for row in self.profile_rows),
            approval=self._approval(today),
        )
        self.require_no_problems()
        return position

    def _approval(self, today: date) -> Approval:
        missing = "Enter the day of the approval."
        return Approval(
            approved_by=self.text("approved_by", missing="Enter who approved this position."),
            approved_on=self.day("approved_on", what="The day of the approval", missing=missing) or today,
            reference=self.text("reference", missing="Enter where the approval is written down."),
        )

    def _access_profile(self, row: int) -> AccessProfile:
        name = f"access_profiles.{row}"
        workgroups = self.text(f"{name}.workgroups", longest=1000)
        return AccessProfile(
            job_role_code=self.text(f"{name}.job_role_code", missing="Choose the job role.", longest=20),
            activity_codes=tuple(dict.fromkeys(self.values(f"{name}.activity_codes"))),
            workgroups=tuple(group.strip() for group in workgroups.split(",") if group.strip()),
        )
