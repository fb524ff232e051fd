"""A provider with two relying parties and somebody signed in, on each kind of database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from app.domain.actor import Actor
from app.oidc.authorizing import Answer, Browser, Present, SendBack
from app.oidc.caller import Caller
from app.oidc.provider import OpenIDProvider
from app.oidc.refusals import ProtocolError
from app.oidc.signing import SigningKeys
from app.signin.opaque_value import hash_of, new_value
from app.signin.session import LiveSession
from app.signin.staff import CardHolder
from tests.support.relying_party import ISSUER, PartyUnderTest, answer_of, registered, sent
from tests.support.sign_in import StaffRegister

CALLER = Caller("10.0.0.9", "r2")


@cache
def signing_keys() -> SigningKeys:
    """The provider's keys; one pair for all tests, since RSA keys take long to make."""
    es256 = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
    rs256 = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
    for key in (es256, rs256):
        key.ensure_kid()
    return SigningKeys([rs256, es256])


@dataclass
class Provider:
    """The provider with its relying parties and a signed-in person."""

    register: StaffRegister
    party: PartyUnderTest = field(default_factory=PartyUnderTest)
    other: PartyUnderTest = field(default_factory=lambda: PartyUnderTest("records"))
    uid: str = ""
    role: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        self.uid = self.register.person()
        self.role = self.register.role(self.uid)
        self.openid = self.with_registration()
        self.sign_in(self.uid, self.role)

    def with_registration(self, **changes: Any) -> OpenIDProvider:
        self.parties = registered(self.party, self.other, **changes)
        self.openid = OpenIDProvider(self.register.database, self.parties, signing_keys(), ISSUER)
        return self.openid

    def sign_in(self, uid: str, role: str | None, *, finished: bool = True) -> None:
        """Put a session where a card sign-in puts it."""
        old, self.key = self.key or new_value(), new_value()
        with self.register.database.change() as work:
            holder = CardHolder(b"", None, "card-0", None, uid, "", None)  # type: ignore[arg-type]
            session_id = work.sessions.sign_in(
                hash_of(old), hash_of(self.key), holder, work.now + timedelta(hours=10)
            )
            if finished:
                work.sessions.settle_terms(session_id)
                work.sessions.settle_role(session_id, role)

    @property
    def session(self) -> LiveSession:
        with self.register.database.read() as work:
            found = work.sessions.live(hash_of(self.key), work.now.date())
        assert found is not None
        return found

    @property
    def now(self) -> datetime:
        with self.register.database.read() as work:
            return work.now

    def browser(self, asked_at: datetime | None = None, now: datetime | None = None) -> Browser:
        session = self.session
        assert session.person is not None
        actor = Actor(session.person.uid, session.person.name)
        moment = now or self.now
        return Browser(Present(session.id, session.person, actor), asked_at or moment, moment)

    def ask(self, browser: Browser | None = None, **changes: str | None) -> Answer:
        """Send an authorization request."""
        parameters = sent(self.party.request(**changes))
        return self.openid.authorizing.answer(parameters, browser or self.browser())

    def sent_back(self, browser: Browser | None = None, **changes: str | None) -> dict[str, str]:
        """Send one and take what comes back to the relying party."""
        answer = self.ask(browser, **changes)
        assert isinstance(answer, SendBack)
        assert answer.location.startswith(self.party.redirect_uri + "?")
        parameters = answer_of(answer.location)
        # RFC 9207: on success and error alike.
        assert parameters["iss"] == ISSUER
        return parameters

    def error(self, browser: Browser | None = None, **changes: str | None) -> str:
        return self.sent_back(browser, **changes)["error"]

    def code(self, **changes: str | None) -> str:
        return self.sent_back(**changes)["code"]

    def post(self, form: dict[str, str]) -> dict[str, Any]:
        """A token request."""
        return self.openid.exchanging.answer(sent(form), CALLER)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        """The whole flow."""
        return self.post(self.party.exchange(self.code(**changes)))

    def token_error(self, form: dict[str, str]) -> str:
        with pytest.raises(ProtocolError) as caught:
            self.post(form)
        return caught.value.code

    def refresh_form(self, token: str, party: PartyUnderTest | None = None) -> dict[str, str]:
        return {
            "grant_type": "refresh_token",
            "refresh_token": token,
            **(party or self.party).proof(),
        }

    def is_active(self, token: str) -> bool:
        form = sent({"token": token, **self.party.proof()})
        return bool(self.openid.token_use.introspection(form, CALLER)["active"])
