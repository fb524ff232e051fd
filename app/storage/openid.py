"""Codes, tokens and used assertions in the database.

Whether something is used for the first time is decided by one conditional UPDATE: of any number that present
the same code at the same moment, one changes the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, ScalarSelect, Table, insert, select, update
from sqlalchemy.sql import ColumnElement

from app.oidc.grant import Grant, StoredCode, StoredToken
from app.storage.tables.openid import oidc_assertion_jti, oidc_code, oidc_session_client, oidc_token
from app.storage.tables.sessions import web_session
from app.storage.upsert import insert_or

if TYPE_CHECKING:
    from app.storage.work import Work


class OpenID:
    """The provider's memory as one transaction sees it."""

    def __init__(self, work: Work) -> None:
        self._connection = work.connection
        self._now = work.now

    def add_code(self, code_hash: str, code: StoredCode) -> None:
        """Keep a code and that its relying party knows the session."""
        self._connection.execute(
            insert(oidc_code).values(
                code_hash=code_hash,
                grant_id=code.grant_id,
                session_id=code.grant.session_id,
                grant=code.grant.as_json(),
                redirect_uri=code.redirect_uri,
                code_challenge=code.code_challenge,
                expires_at=code.expires_at,
            )
        )
        self._know_client(code.grant.session_id, code.grant.client_id)

    def _know_client(self, session_id: str, client_id: str) -> None:
        statement = insert_or(self._connection, oidc_session_client).values(
            session_id=session_id, client_id=client_id
        )
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["session_id", "client_id"], set_={"logged_out_at": None}
            )
        )

    def claim_code(self, code_hash: str) -> StoredCode | None:
        """Use the code up; None when it is unknown or its session has ended."""
        is_first_use = self._claim(oidc_code, oidc_code.c.code_hash == code_hash)
        row = self._connection.execute(
            select(oidc_code)
            .join(web_session, web_session.c.id == oidc_code.c.session_id)
            .where(oidc_code.c.code_hash == code_hash, self._session_is_live())
        ).one_or_none()
        return _code_of(row, is_first_use) if row else None

    def _claim(self, table: Table, which: ColumnElement[bool]) -> bool:
        claimed = update(table).where(which, table.c.used_at.is_(None)).values(used_at=self._now)
        return self._connection.execute(claimed).rowcount == 1

    def _session_is_live(self) -> ColumnElement[bool]:
        return web_session.c.ended_at.is_(None) & (web_session.c.expires_at > self._now)

    def add_tokens(self, tokens: Sequence[tuple[str, StoredToken]]) -> None:
        """Keep tokens by their hashes."""
        self._connection.execute(
            insert(oidc_token),
            [
                {
                    "token_hash": token_hash,
                    "kind": token.kind,
                    "grant_id": token.grant_id,
                    "session_id": token.grant.session_id,
                    "grant": token.grant.as_json(),
                    "issued_at": token.issued_at,
                    "expires_at": token.expires_at,
                }
                for token_hash, token in tokens
            ],
        )

    def claim_refresh_token(self, token_hash: str) -> StoredToken | None:
        """Use the refresh token up; None when unknown, expired, revoked, or its session has ended."""
        is_refresh = (oidc_token.c.token_hash == token_hash) & (oidc_token.c.kind == "refresh")
        self._lock_grant(select(oidc_token.c.grant_id).where(is_refresh).scalar_subquery())
        is_first_use = self._claim(oidc_token, is_refresh)
        row = self._token_row(is_refresh)
        return _token_of(row, is_first_use) if row else None

    def _lock_grant(self, grant_id: ScalarSelect[str] | str) -> None:
        # Presenting a used token revokes all of its grant. Two that do so at once, each with a row of the
        # grant already changed, would wait for each other; so the row of the grant's code is taken first.
        code = select(oidc_code.c.grant_id).where(oidc_code.c.grant_id == grant_id)
        self._connection.execute(code.with_for_update())

    def live_token(self, token_hash: str) -> StoredToken | None:
        """The token that is not revoked, expired or used up, and whose session has not ended."""
        row = self._token_row((oidc_token.c.token_hash == token_hash) & oidc_token.c.used_at.is_(None))
        return _token_of(row, is_first_use=True) if row else None

    def _token_row(self, which: ColumnElement[bool]) -> Row[Any] | None:
        return self._connection.execute(
            select(oidc_token)
            .join(web_session, web_session.c.id == oidc_token.c.session_id)
            .where(which, oidc_token.c.revoked_at.is_(None), oidc_token.c.expires_at > self._now)
            .where(self._session_is_live())
        ).one_or_none()

    def revoke_grant(self, grant_id: str) -> None:
        """Revoke every token that came from one code."""
        self._lock_grant(grant_id)
        is_of_grant = (oidc_token.c.grant_id == grant_id) & oidc_token.c.revoked_at.is_(None)
        self._connection.execute(update(oidc_token).where(is_of_grant).values(revoked_at=self._now))

    def claim_assertion(self, jti_hash: str, expires_at: datetime) -> bool:
        """Use a client assertion up; False when it was used before."""
        statement = insert_or(self._connection, oidc_assertion_jti).values(
            jti_hash=jti_hash, expires_at=expires_at
        )
        claimed = statement.on_conflict_do_nothing().returning(oidc_assertion_jti.c.jti_hash)
        return self._connection.execute(claimed).one_or_none() is not None

    def clients_to_log_out(self, session_id: str) -> tuple[str | None, list[str]]:
        """Whose session it is, and the relying parties that know it and have not confirmed its end."""
        uid = self._connection.scalar(select(web_session.c.uid).where(web_session.c.id == session_id))
        known = oidc_session_client.c
        waiting = (known.session_id == session_id) & known.logged_out_at.is_(None)
        return uid, list(self._connection.scalars(select(known.client_id).where(waiting)))

    def confirm_logged_out(self, session_id: str, client_id: str) -> None:
        """Keep that the relying party has ended its own session."""
        known = oidc_session_client.c
        told = (known.session_id == session_id) & (known.client_id == client_id)
        self._connection.execute(update(oidc_session_client).where(told).values(logged_out_at=self._now))


def _code_of(row: Row[Any], is_first_use: bool) -> StoredCode:
    fields = row._mapping
    return StoredCode(
        fields["grant_id"],
        Grant.from_json(fields["grant"]),
        fields["redirect_uri"],
        fields["code_challenge"],
        fields["expires_at"],
        is_first_use,
    )


def _token_of(row: Row[Any], is_first_use: bool) -> StoredToken:
    fields = row._mapping
    return StoredToken(
        fields["kind"],
        fields["grant_id"],
        Grant.from_json(fields["grant"]),
        fields["issued_at"],
        fields["expires_at"],
        is_first_use,
    )
