"""What tokens say and how long they live; races; client authentication; signing out."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from app.domain.actor import Actor
from app.errors import Refusal, Unavailable
from app.oidc.logging_out import LOGOUT_EVENT, TellingRelyingParties
from app.oidc.refusals import InvalidClient, InvalidLogoutRequest, InvalidToken, ProtocolError
from app.storage.tables.access import role_profile
from app.storage.tables.people import person
from tests.support.openid_provider import CALLER, Provider, signing_keys
from tests.support.relying_party import ISSUER, PartyUnderTest, sent, verified_claims
from tests.support.sign_in import OTHER_PRACTICE, PRACTICE

THREADS = 8


def at_once(action: Callable[[], Any]) -> list[Any]:
    """Do the same in eight threads at one moment; what each got, refusals included."""
    barrier, results = threading.Barrier(THREADS), []

    def run() -> None:
        barrier.wait()
        try:
            results.append(action())
        except Refusal as refusal:
            results.append(refusal)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_eight_that_present_one_code_at_once_one_gets_tokens(provider: Provider) -> None:
    code = provider.code()
    results = at_once(lambda: provider.post(provider.party.exchange(code)))
    got = [each for each in results if isinstance(each, dict)]
    assert len(got) == 1
    assert len(results) == THREADS
    # Seven of them stole it or were stolen from: nothing that came from the code is good any more.
    assert not provider.is_active(got[0]["access_token"])


def test_of_eight_that_present_one_refresh_token_at_once_one_gets_tokens(provider: Provider) -> None:
    token = provider.tokens()["refresh_token"]
    results = at_once(lambda: provider.post(provider.refresh_form(token)))
    assert sum(isinstance(each, dict) for each in results) == 1


def test_of_eight_that_send_one_assertion_at_once_one_is_believed(provider: Provider) -> None:
    form = sent({"token": "x", **provider.party.proof()})
    results = at_once(lambda: provider.openid.token_use.introspection(form, CALLER))
    assert sum(isinstance(each, dict) for each in results) == 1


def test_an_ended_session_kills_its_tokens_at_once(provider: Provider) -> None:
    code, tokens = provider.code(), provider.tokens()
    with provider.register.database.change() as work:
        work.sessions.end(provider.session.id, "signed_out", Actor.system("test"))
    with pytest.raises(InvalidToken):
        provider.openid.token_use.userinfo(tokens["access_token"])
    assert not provider.is_active(tokens["access_token"])
    assert provider.token_error(provider.refresh_form(tokens["refresh_token"])) == "invalid_grant"
    assert provider.token_error(provider.party.exchange(code)) == "invalid_grant"


def test_single_claims_are_given_only_within_the_registered_scopes(provider_on_sqlite: Provider) -> None:
    """Who is registered for names alone cannot ask for the e-mail address by its name."""
    op = provider_on_sqlite
    op.with_registration(scopes=["openid", "profile"])
    asked = '{"userinfo": {"email": null, "name": null}}'
    claims = op.openid.token_use.userinfo(op.tokens(scope="openid", claims=asked)["access_token"])
    assert claims.keys() == {"sub", "name"}
    op.with_registration(scopes=["openid"])
    claims = op.openid.token_use.userinfo(op.tokens(scope="openid", claims=asked)["access_token"])
    assert claims.keys() == {"sub"}


def test_a_closed_profile_gets_no_claims(provider: Provider) -> None:
    tokens = provider.tokens()
    provider.register.set(person, person.c.uid == provider.uid, status="closed")
    with pytest.raises(InvalidToken):
        provider.openid.token_use.userinfo(tokens["access_token"])


def test_the_chosen_role_with_its_resolved_activities(provider: Provider) -> None:
    second = provider.register.role(provider.uid, OTHER_PRACTICE, "R8008", "B0825")
    tokens = provider.tokens()
    claims = provider.openid.token_use.userinfo(tokens["access_token"])
    roles = {role["person_roleid"]: role for role in claims["nhsid_nrbac_roles"]}
    assert claims["selected_roleid"] == provider.role
    assert roles[provider.role]["org_code"] == PRACTICE
    assert roles[provider.role]["role_code"] == "S8000:G8000:R8000"
    assert roles[provider.role]["activity_codes"] == []
    assert roles[provider.role]["spine_resolved_activities"] == ["B0278", "B0420"]
    assert roles[second]["activity_codes"] == ["B0825"]
    assert roles[second]["activities"] == ["Amend Patient Demographics"]
    assert roles[second]["spine_resolved_activities"] == ["B0820", "B0825"]
    assert roles[second]["spine_resolved_activity_names"][1] == "Amend Patient Demographics"
    id_token = verified_claims(tokens["id_token"], provider.openid.jwks())
    assert (id_token["selected_roleid"], id_token["sid"]) == (provider.role, provider.session.id)


def test_codes_and_names_stay_in_pairs(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    op.register.role(op.uid, OTHER_PRACTICE, "R8008", "B0825", "B0278", "B0820")
    [_, role] = op.openid.token_use.userinfo(op.tokens()["access_token"])["nhsid_nrbac_roles"]
    assert list(zip(role["activity_codes"], role["activities"], strict=True)) == [
        ("B0825", "Amend Patient Demographics"),
        ("B0278", "Perform Prescription Preparation"),
        ("B0820", "View Patient Demographics"),
    ]


def test_a_role_that_was_withdrawn_is_gone_from_the_claims(provider: Provider) -> None:
    tokens = provider.tokens()
    withdrawn = {"withdrawn_at": provider.now}
    provider.register.set(role_profile, role_profile.c.id == provider.role, **withdrawn)
    claims = provider.openid.token_use.userinfo(tokens["access_token"])
    assert claims["nhsid_nrbac_roles"] == []
    assert "selected_roleid" not in claims


def test_professional_numbers(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    op.register.professional(op.uid, "GPhC", "2087654")
    tokens = op.tokens(scope="openid professionalmemberships")
    assert op.openid.token_use.userinfo(tokens["access_token"])["gphc_id"] == "2087654"


def test_introspection_tells_a_relying_party_about_its_own_tokens_only(provider: Provider) -> None:
    token = provider.tokens()["access_token"]
    own = provider.openid.token_use.introspection(sent({"token": token, **provider.party.proof()}), CALLER)
    others = provider.openid.token_use.introspection(sent({"token": token, **provider.other.proof()}), CALLER)
    assert (own["active"], own["sub"], own["client_id"]) == (True, provider.uid, provider.party.client_id)
    assert others == {"active": False}


def test_revocation(provider: Provider) -> None:
    tokens = provider.tokens()
    revoke = provider.openid.token_use.revoke
    revoke(sent({"token": tokens["access_token"], **provider.other.proof()}), CALLER)
    assert provider.is_active(tokens["access_token"])
    revoke(sent({"token": tokens["refresh_token"], **provider.party.proof()}), CALLER)
    assert not provider.is_active(tokens["access_token"])
    revoke(sent({"token": "unknown", **provider.party.proof()}), CALLER)


def test_revoking_is_audited_and_so_are_refusals(provider: Provider) -> None:
    token = provider.tokens()["access_token"]
    provider.openid.token_use.revoke(sent({"token": token, **provider.party.proof()}), CALLER)
    forged = sent({"token": token, **provider.party.proof(), "client_assertion": "forged"})
    for ask in (provider.openid.token_use.revoke, provider.openid.token_use.introspection):
        with pytest.raises(InvalidClient):
            ask(forged, CALLER)
    revoked = provider.register.events("openid.tokens_revoked")
    assert [(each.actor_uid, each.reason) for each in revoked] == [
        (f"client:{provider.party.client_id}", ""),
        ("anonymous", "invalid_client"),
    ]
    [introspected] = provider.register.events("openid.token_introspected")
    assert (introspected.reason, introspected.actor_address) == ("invalid_client", CALLER.address)


def test_a_refused_authorization_of_somebody_signed_in_is_audited(provider: Provider) -> None:
    assert provider.error(prompt="none", scope="openid no-such-scope login", code_challenge=None)
    [refused] = provider.register.events("openid.code_issued")
    assert (refused.actor_uid, refused.outcome.value) == (provider.uid, "refused")
    assert refused.details["session"] == provider.session.id


def test_an_assertion_works_once_even_when_its_request_was_refused(provider: Provider) -> None:
    form = provider.party.exchange("no such code")
    assert provider.token_error(form) == "invalid_grant"
    assert provider.token_error(form | {"code": provider.code()}) == "invalid_client"


ASSERTIONS: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1},
    "too long a life": {"exp": 4_000_000_000},
    "no exp": {"exp": None},
    "exp is text": {"exp": "later"},
    "from the future": {"iat": 4_000_000_000},
    "not yet": {"nbf": 4_000_000_000},
    "no jti": {"jti": None},
    "long jti": {"jti": "x" * 500},
    "another audience": {"aud": "https://evil.example/token"},
    "two audiences": {"aud": [ISSUER, "https://evil.example/token"]},
    "no audience": {"aud": None},
    "another issuer": {"iss": "records"},
    "unknown party": {"sub": "stranger", "iss": "stranger"},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("claims", ASSERTIONS.values(), ids=ASSERTIONS.keys())
def test_an_assertion_that_is_not_right(provider_on_sqlite: Provider, claims: dict[str, Any]) -> None:
    op = provider_on_sqlite
    form = op.party.exchange("c") | op.party.proof(**claims)
    assert op.token_error(form) == "invalid_client"


@pytest.mark.parametrize("audience", [ISSUER, [ISSUER], f"{ISSUER}/openid/token"])
def test_audiences_that_are_us_alone(provider_on_sqlite: Provider, audience: Any) -> None:
    op = provider_on_sqlite
    assert op.post(op.party.exchange(op.code()) | op.party.proof(aud=audience))["access_token"]


def test_an_assertion_signed_by_another_key(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    impostor = PartyUnderTest(op.party.client_id)
    assert op.token_error(op.party.exchange("c") | impostor.proof()) == "invalid_client"


def test_a_forged_assertion(
    provider_on_sqlite: Provider,
) -> None:
    op = provider_on_sqlite
    claims = {"iss": op.party.client_id, "sub": op.party.client_id, "aud": ISSUER, "jti": "1", "exp": 4e9}
    for forged in (
        "e30.e30.",
        "not a token",
        f"{_unsigned(claims)}.",
        jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256")),
    ):
        form = op.party.exchange("c") | {"client_assertion": forged}
        assert op.token_error(form) == "invalid_client"


def _unsigned(claims: dict[str, Any]) -> str:

    parts = ({"alg": "none"}, claims)
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )


def test_client_secrets_are_not_taken(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    form = op.party.exchange(op.code()) | {"client_secret": "guess"}
    assert op.token_error(form) == "invalid_client"
    with pytest.raises(ProtocolError):
        op.post({"grant_type": "authorization_code", "client_id": op.party.client_id, "code": "c"})


def test_client_id_must_be_the_assertions(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    assert op.token_error(op.party.exchange("c", client_id="records")) == "invalid_client"


def test_the_longest_life_of_assertions_is_a_setting_of_each_party(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    hour = {"exp": int(op.now.timestamp()) + 3600}
    assert op.token_error(op.party.exchange("c") | op.party.proof(**hour)) == "invalid_client"
    op.with_registration(assertion_seconds=3600)
    assert op.post(op.party.exchange(op.code()) | op.party.proof(**hour))["access_token"]


def test_each_token_request_is_one_event(provider: Provider) -> None:
    provider.tokens()
    provider.token_error(provider.party.exchange("no such code"))
    allowed, refused = provider.register.events("openid.tokens_issued")
    assert (allowed.outcome, allowed.details["uid"]) == ("allowed", provider.uid)
    assert (refused.outcome, refused.reason, refused.actor_uid) == (
        "refused",
        "invalid_grant",
        "client:prescribing",
    )
    [code] = provider.register.events("openid.code_issued")
    assert code.subject == provider.party.client_id


def test_values_are_never_stored(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    code = op.code()
    tokens = op.post(op.party.exchange(code))
    with op.register.database.read() as work:
        rows = [
            str(row)
            for table in ("oidc_code", "oidc_token", "web_session", "audit_event", "oidc_assertion_jti")
            for row in work.connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]
    stored = "\n".join(rows)
    for secret in (code, tokens["access_token"], tokens["refresh_token"], tokens["id_token"], op.key):
        assert secret not in stored


class Channel:
    """A back channel that keeps what was sent; the addresses in ``down`` do not answer."""

    def __init__(self, *down: str) -> None:
        self.down = set(down)
        self.sent: list[tuple[str, str]] = []

    def post_logout_token(self, address: str, logout_token: str, ca_file: str) -> None:
        if address in self.down:
            raise Unavailable("relying party", "It does not answer.")
        self.sent.append((address, logout_token))


def _telling(op: Provider, channel: Channel) -> TellingRelyingParties:
    return TellingRelyingParties(op.register.database, op.parties, signing_keys(), ISSUER, channel)


def _at_both(op: Provider) -> None:
    op.tokens()
    op.openid.authorizing.answer(sent(op.other.request()), op.browser())


def test_every_relying_party_of_a_session_is_told_of_its_end(provider: Provider) -> None:
    _at_both(provider)
    session_id, channel = provider.session.id, Channel()
    _telling(provider, channel).tell(session_id)
    tokens = dict(channel.sent)
    assert set(tokens) == {"https://prescribing.example/logout", "https://records.example/logout"}
    claims = verified_claims(tokens["https://prescribing.example/logout"], provider.openid.jwks())
    assert (claims["aud"], claims["sid"], claims["sub"]) == ("prescribing", session_id, provider.uid)
    assert claims["events"] == {LOGOUT_EVENT: {}}
    assert "nonce" not in claims


def test_only_those_that_did_not_answer_are_told_again(provider: Provider) -> None:
    _at_both(provider)
    session_id, channel = provider.session.id, Channel("https://prescribing.example/logout")
    with pytest.raises(Unavailable):
        _telling(provider, channel).tell(session_id)
    channel.down.clear()
    _telling(provider, channel).tell(session_id)
    _telling(provider, channel).tell(session_id)
    assert [address for address, _ in channel.sent] == [
        "https://records.example/logout",
        "https://prescribing.example/logout",
    ]


def test_a_sign_out_request_with_the_sessions_own_proof_needs_no_question(provider: Provider) -> None:
    hint = provider.tokens()["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": provider.party.signed_out_uri, "state": "s 1"}
    wish = provider.openid.logout_requests.read(sent(asked), provider.session.id)
    assert wish.may_end_at_once
    assert wish.return_to == f"{provider.party.signed_out_uri}?state=s+1"


def test_a_sign_out_request_without_proof_is_asked_back(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    asked = {"client_id": op.party.client_id, "post_logout_redirect_uri": op.party.signed_out_uri}
    wish = op.openid.logout_requests.read(sent(asked), op.session.id)
    assert not wish.may_end_at_once
    assert wish.return_to == ""


def test_signing_out_is_no_open_redirector(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    asked = {"id_token_hint": op.tokens()["id_token"], "post_logout_redirect_uri": "https://evil.example/"}
    assert op.openid.logout_requests.read(sent(asked), op.session.id).return_to == ""


def test_a_proof_for_another_session_does_not_end_this_one(provider_on_sqlite: Provider) -> None:
    op = provider_on_sqlite
    hint = op.tokens()["id_token"]
    op.sign_in(op.register.person("Tom", "Okoro"), None)
    assert not op.openid.logout_requests.read(sent({"id_token_hint": hint}), op.session.id).may_end_at_once


@pytest.mark.parametrize(
    "asked", [{"id_token_hint": "x.y.z"}, {"id_token_hint": "own", "client_id": "records"}]
)
def test_a_sign_out_request_that_is_not_right(provider_on_sqlite: Provider, asked: dict[str, str]) -> None:
    op = provider_on_sqlite
    if asked["id_token_hint"] == "own":
        asked = asked | {"id_token_hint": op.tokens()["id_token"]}
    with pytest.raises(InvalidLogoutRequest):
        op.openid.logout_requests.read(sent(asked), op.session.id)


def test_invalid_client_is_told_as_401() -> None:
    assert InvalidClient.status == 401
