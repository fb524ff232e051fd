"""What tokens are good for afterwards: userinfo, introspection (RFC 7662), revocation (RFC 7009)."""

from __future__ import annotations

from typing import Any

from app.oidc.caller import Caller
from app.oidc.claims import userinfo_claims
from app.oidc.client_authentication import ClientAuthentication
from app.oidc.grant import StoredToken
from app.oidc.parameters import SentParameters, required, single_values
from app.oidc.ports import OpenIDDatabase, OpenIDWork
from app.oidc.refusals import InvalidToken, ProtocolError
from app.signin.opaque_value import hash_of


class TokenUse:
    """Answers what may be asked with or about a token."""

    def __init__(self, database: OpenIDDatabase, authentication: ClientAuthentication, issuer: str) -> None:
        self._database = database
        self._authentication = authentication
        self._issuer = issuer

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """The claims about the person behind an access token.

        Raises:
            InvalidToken: also when the session has ended or the person's profile is closed.
        """
        with self._database.read() as work:
            token = work.openid.live_token(hash_of(access_token))
            if token is None or token.kind != "access":
                raise InvalidToken("The access token is unknown, expired or revoked.")
            member = work.sign_ins.staff_member(token.grant.uid, work.now.date())
        if member is None:
            raise InvalidToken("The person's profile is closed.")
        return userinfo_claims(member, token.grant)

    def introspection(self, sent: SentParameters, caller: Caller) -> dict[str, Any]:
        """Whether a token of the asking relying party is good, and what it stands for.

        Raises:
            ProtocolError
        """
        token = self._own_token(sent, caller, revoke=False)
        if token is None:
            return {"active": False}
        grant = token.grant
        return {
            "active": True,
            "iss": self._issuer,
            "sub": grant.uid,
            "client_id": grant.client_id,
            "scope": " ".join(grant.scopes),
            "sid": grant.session_id,
            "iat": int(token.issued_at.timestamp()),
            "exp": int(token.expires_at.timestamp()),
            **({"token_type": "Bearer"} if token.kind == "access" else {}),
        }

    def revoke(self, sent: SentParameters, caller: Caller) -> None:
        """Revoke a token of the asking relying party and all from the same code; an unknown one is fine.

        Raises:
            ProtocolError
        """
        self._own_token(sent, caller, revoke=True)

    def _own_token(self, sent: SentParameters, caller: Caller, *, revoke: bool) -> StoredToken | None:
        parameters = single_values(sent)
        with self._database.change() as work:
            outcome = self._outcome(work, parameters, caller, revoke)
        # Raised after the commit, so that the assertion stays used up.
        if isinstance(outcome, ProtocolError):
            raise outcome
        return outcome

    def _outcome(
        self, work: OpenIDWork, parameters: dict[str, str], caller: Caller, revoke: bool
    ) -> StoredToken | ProtocolError | None:
        client_id, event = "", "openid.tokens_revoked" if revoke else "openid.token_introspected"
        try:
            client_id = self._authentication.authenticated(parameters, work.openid, work.now).client_id
            token = work.openid.live_token(hash_of(required(parameters, "token")))
        except ProtocolError as refusal:
            refused = caller.event(event, client_id, {"why": str(refusal)}).refused(refusal.code)
            work.audit.record(refused)
            return refusal
        if token is None or token.grant.client_id != client_id:
            return None
        if revoke:
            work.openid.revoke_grant(token.grant_id)
            work.audit.record(caller.event(event, client_id, {"grant": token.grant_id}))
        return token
