"""Signing out: asked for by a relying party, and told to the others.

Sources: OpenID Connect RP-Initiated Logout 1.0, OpenID Connect Back-Channel Logout 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from app.oidc.parameters import SentParameters, single_values
from app.oidc.ports import BackChannel, OpenIDDatabase
from app.oidc.refusals import InvalidLogoutRequest, InvalidRequest
from app.oidc.relying_party import RelyingParty
from app.oidc.signing import SigningKeys, TokenNotOurs
from app.signin.opaque_value import new_id

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_NOT_VALID = "The sign-out request is not valid. Use the sign-out button of this service."
_LOGOUT_TOKEN_LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True)
class LogoutRequest:
    """A relying party's wish to sign its person out.

    Attributes:
        may_end_at_once: the ID Token shows that it is about this browser's session; else the person is asked.
        return_to: where the browser may go afterwards, ``state`` included; empty for nowhere.
    """

    may_end_at_once: bool
    return_to: str
    relying_party_name: str


class LogoutRequests:
    """Reads sign-out requests."""

    def __init__(self, relying_parties: Mapping[str, RelyingParty], keys: SigningKeys) -> None:
        self._relying_parties = relying_parties
        self._keys = keys

    def read(self, sent: SentParameters, session_id: str | None) -> LogoutRequest:
        """What a sign-out request means for this browser's session (None when it has none).

        Raises:
            InvalidLogoutRequest: parameters are repeated, or the id_token_hint is not ours or another's.
        """
        try:
            parameters = single_values(sent)
        except InvalidRequest as error:
            raise InvalidLogoutRequest(_NOT_VALID) from error
        hint = self._hint(parameters)
        party = self._relying_parties.get(str(hint.get("aud") or parameters.get("client_id", "")))
        is_this_session = session_id is None or session_id == hint.get("sid")
        return LogoutRequest(
            may_end_at_once=bool(hint) and is_this_session,
            return_to=_return_address(parameters, party, is_trusted=bool(hint)),
            relying_party_name=party.name if party else "",
        )

    def _hint(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        if "id_token_hint" not in parameters:
            return {}
        try:
            claims = self._keys.claims_of_own_token(parameters["id_token_hint"])
        except TokenNotOurs as error:
            raise InvalidLogoutRequest(_NOT_VALID) from error
        if parameters.get("client_id", claims.get("aud")) != claims.get("aud"):
            raise InvalidLogoutRequest("The sign-out request names another service than its proof.")
        return claims


def _return_address(parameters: Mapping[str, str], party: RelyingParty | None, *, is_trusted: bool) -> str:
    """Only a registered address, and only with an ID Token (section 3): we are no open redirector."""
    address = parameters.get("post_logout_redirect_uri", "")
    if party is None or not is_trusted or address not in party.post_logout_redirect_uris:
        return ""
    if "state" not in parameters:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'state': parameters['state']})}"


def logout_token_claims(
    issuer: str, client_id: str, uid: str, session_id: str, now: datetime
) -> dict[str, Any]:
    """The Logout Token's claims (Back-Channel Logout section 2.4): never a nonce."""
    issued = int(now.timestamp())
    return {
        "iss": issuer,
        "sub": uid,
        "aud": client_id,
        "iat": issued,
        "exp": issued + int(_LOGOUT_TOKEN_LIFETIME.total_seconds()),
        "jti": new_id(),
        "sid": session_id,
        "events": {LOGOUT_EVENT: {}},
    }


class TellingRelyingParties:
    """Tells every relying party that knows an ended session; the outbox's handler for ``openid.logout``."""

    def __init__(
        self,
        database: OpenIDDatabase,
        relying_parties: Mapping[str, RelyingParty],
        keys: SigningKeys,
        issuer: str,
        back_channel: BackChannel,
    ) -> None:
        self._database = database
        self._relying_parties = relying_parties
        self._keys = keys
        self._issuer = issuer
        self._back_channel = back_channel

    def tell(self, session_id: str) -> None:
        """Tell each that has not confirmed yet; those that have are not told again when it is tried again.

        Raises:
            Unavailable: one did not confirm; the others were told.
        """
        with self._database.read() as work:
            uid, client_ids = work.openid.clients_to_log_out(session_id)
            now = work.now
        failures = [self._failure(uid or "", session_id, client_id, now) for client_id in client_ids]
        for failure in filter(None, failures):
            raise failure

    def _failure(self, uid: str, session_id: str, client_id: str, now: datetime) -> Exception | None:
        party = self._relying_parties.get(client_id)
        try:
            if party is not None and party.backchannel_logout_uri:
                self._send(party, uid, session_id, now)
        except Exception as failure:
            return failure
        with self._database.change() as work:
            work.openid.confirm_logged_out(session_id, client_id)
        return None

    def _send(self, party: RelyingParty, uid: str, session_id: str, now: datetime) -> None:
        claims = logout_token_claims(self._issuer, party.client_id, uid, session_id, now)
        token = self._keys.sign(claims, party.id_token_algorithm, "logout+jwt")
        self._back_channel.post_logout_token(party.backchannel_logout_uri, token, party.backchannel_ca_file)
