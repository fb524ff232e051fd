"""The authorization endpoint: decides between a code, an error, and a page to be shown first.

The answer's address always carries ``iss`` (RFC 9207), on errors too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.oidc.authorization_request import (
    Addressee,
    AuthorizationRequest,
    addressee_of,
    authorization_request,
)
from app.oidc.grant import Grant, StoredCode
from app.oidc.parameters import SentParameters
from app.oidc.ports import OpenIDDatabase
from app.oidc.refusals import InteractionRequired, LoginRequired, ProtocolError
from app.oidc.relying_party import RelyingParty
from app.oidc.signing import SigningKeys
from app.signin.opaque_value import hash_of, new_id, new_value
from app.signin.session import SignedInPerson

CODE_LIFETIME = timedelta(seconds=60)
_CODE_ISSUED = "openid.code_issued"


@dataclass(frozen=True)
class SendBack:
    """Send the browser to the relying party."""

    location: str
    relying_party_name: str


@dataclass(frozen=True)
class SignInFirst:
    """The person must use the card; then the same request is answered again."""

    relying_party_name: str


@dataclass(frozen=True)
class FinishSignInFirst:
    """Terms or role are still to be settled; then the same request is answered again."""

    relying_party_name: str


@dataclass(frozen=True)
class Present:
    """A signed-in person in a browser.

    Attributes:
        actor: the same person, for the audit.
    """

    session_id: str
    person: SignedInPerson
    actor: Actor


@dataclass(frozen=True)
class Browser:
    """The browser that brings a request.

    Attributes:
        present: None when nobody is signed in.
        asked_at: when the request first came; a sign-in since then is fresh.
    """

    present: Present | None
    asked_at: datetime
    now: datetime


Answer = SendBack | SignInFirst | FinishSignInFirst


class Authorizing:
    """Answers authorization requests.

    Args:
        issuer: our issuer identifier, for ``iss``.
    """

    def __init__(
        self,
        database: OpenIDDatabase,
        relying_parties: Mapping[str, RelyingParty],
        keys: SigningKeys,
        issuer: str,
    ) -> None:
        self._database = database
        self._relying_parties = relying_parties
        self._keys = keys
        self._issuer = issuer

    def answer(self, sent: SentParameters, browser: Browser) -> Answer:
        """What happens to a request.

        Raises:
            UnknownRelyingParty, RedirectUriNotRegistered: a page must say so; nothing is sent anywhere.
        """
        addressee = addressee_of(sent, self._relying_parties)
        try:
            request = authorization_request(sent, addressee, self._keys)
            return self._decided(request, browser)
        except ProtocolError as error:
            self._record_refusal(addressee, browser.present, error)
            return self._send_back(addressee, {"error": error.code, "error_description": str(error)})

    def _record_refusal(self, addressee: Addressee, present: Present | None, error: ProtocolError) -> None:
        # Without a person there is nobody whom the refusal concerns, and strangers could fill the audit.
        if present is None:
            return
        details = {"session": present.session_id, "why": str(error)}
        event = AuditEvent.by(present.actor, _CODE_ISSUED, addressee.relying_party.client_id, details)
        with self._database.change() as work:
            work.audit.record(event.refused(error.code))

    def _decided(self, request: AuthorizationRequest, browser: Browser) -> Answer:
        name = request.addressee.relying_party.name
        present = browser.present
        if present is None or needs_sign_in(request, present.person, browser):
            require_page_allowed(request, LoginRequired("The person must sign in."))
            return SignInFirst(name)
        require_hinted_person(request, present.person)
        if not present.person.is_finished:
            require_page_allowed(request, InteractionRequired("Terms or role are still to be settled."))
            return FinishSignInFirst(name)
        return self._with_code(request, present)

    def _with_code(self, request: AuthorizationRequest, present: Present) -> SendBack:
        code, grant = new_value(), grant_of(request, present)
        with self._database.change() as work:
            stored = StoredCode(
                new_id(),
                grant,
                request.addressee.redirect_uri,
                request.code_challenge,
                work.now + CODE_LIFETIME,
                is_first_use=False,
            )
            work.openid.add_code(hash_of(code), stored)
            details = {"session": grant.session_id, "grant": stored.grant_id, "scope": " ".join(grant.scopes)}
            work.audit.record(AuditEvent.by(present.actor, _CODE_ISSUED, grant.client_id, details))
        return self._send_back(request.addressee, {"code": code})

    def _send_back(self, addressee: Addressee, parameters: Mapping[str, str]) -> SendBack:
        answer = {**parameters, "iss": self._issuer}
        if addressee.state is not None:
            answer["state"] = addressee.state
        joint = "&" if "?" in addressee.redirect_uri else "?"
        return SendBack(f"{addressee.redirect_uri}{joint}{urlencode(answer)}", addressee.relying_party.name)


def needs_sign_in(request: AuthorizationRequest, person: SignedInPerson, browser: Browser) -> bool:
    """Whether a signed-in person must use the card again; never when that was done since the request came."""
    if person.signed_in_at >= browser.asked_at:
        return False
    age = browser.now - person.signed_in_at
    too_old = request.max_age is not None and age > timedelta(seconds=request.max_age)
    another = request.hinted_uid is not None and request.hinted_uid != person.uid
    return request.wants_fresh_sign_in or too_old or another


def require_page_allowed(request: AuthorizationRequest, refusal: ProtocolError) -> None:
    """Refuse when a page would be needed, but the relying party wants none shown (prompt=none).

    Raises:
        ProtocolError: the refusal that was given.
    """
    if request.allows_no_page:
        raise refusal


def require_hinted_person(request: AuthorizationRequest, person: SignedInPerson) -> None:
    """Refuse when somebody else signed in than the relying party expects.

    Raises:
        LoginRequired
    """
    if request.hinted_uid is not None and request.hinted_uid != person.uid:
        raise LoginRequired("Another person has signed in than the one expected.")


def grant_of(request: AuthorizationRequest, present: Present) -> Grant:
    """What the code will stand for: the person in the role chosen in this session."""
    person = present.person
    return Grant(
        client_id=request.addressee.relying_party.client_id,
        uid=person.uid,
        session_id=present.session_id,
        role_profile_id=person.role.role_profile_id if person.role else None,
        scopes=request.scopes,
        auth_time=int(person.signed_in_at.timestamp()),
        acr=request.acr,
        nonce=request.nonce,
        claim_names=request.claim_names,
    )
