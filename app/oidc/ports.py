"""What the OpenID provider needs from outside: the database as it uses it, and a way to relying parties."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from app.oidc.grant import StoredCode, StoredToken
from app.signin.ports import AuditTrail
from app.signin.staff import StaffMember


class OpenIDRecords(Protocol):
    """Codes, tokens, used assertions, and who knows which session."""

    def add_code(self, code_hash: str, code: StoredCode) -> None:
        """Keep a code and that its relying party knows the session."""

    def claim_code(self, code_hash: str) -> StoredCode | None:
        """Use the code up; whether this was the first use is told by the answer."""

    def add_tokens(self, tokens: Sequence[tuple[str, StoredToken]]) -> None:
        """Keep tokens by their hashes."""

    def claim_refresh_token(self, token_hash: str) -> StoredToken | None:
        """Use the refresh token up; None when unknown, revoked, or its session has ended."""

    def live_token(self, token_hash: str) -> StoredToken | None:
        """The token that is not revoked, expired or used up, and whose session has not ended."""

    def revoke_grant(self, grant_id: str) -> None:
        """Revoke every token that came from one code."""

    def claim_assertion(self, jti_hash: str, expires_at: datetime) -> bool:
        """Use a client assertion up; False when it was used before."""

    def clients_to_log_out(self, session_id: str) -> tuple[str | None, list[str]]:
        """Whose session it is, and the relying parties that know it and have not confirmed its end."""

    def confirm_logged_out(self, session_id: str, client_id: str) -> None:
        """Keep that the relying party has ended its own session."""


class StaffRecords(Protocol):
    """People and their roles."""

    def staff_member(self, uid: str, today: date) -> StaffMember | None:
        """The active person with the roles that count today."""


class OpenIDWork(Protocol):
    """One transaction."""

    @property
    def now(self) -> datetime:
        """The transaction's instant."""

    @property
    def audit(self) -> AuditTrail:
        """The audit."""

    @property
    def openid(self) -> OpenIDRecords:
        """Codes and tokens."""

    @property
    def sign_ins(self) -> StaffRecords:
        """People and roles."""


class OpenIDDatabase(Protocol):
    """The database's transactions."""

    def read(self) -> AbstractContextManager[OpenIDWork]:
        """A snapshot."""

    def change(self) -> AbstractContextManager[OpenIDWork]:
        """A transaction that commits whole or not at all."""


class BackChannel(Protocol):
    """The way to relying parties from server to server."""

    def post_logout_token(self, address: str, logout_token: str, ca_file: str) -> None:
        """Send a logout token.

        Raises:
            Unavailable: no answer, or not a success; it is to be tried again.
        """
