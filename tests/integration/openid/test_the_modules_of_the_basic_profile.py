"""One test for each module of the OpenID Foundation's Basic test plan that applies here, under its name.

This is not certification: the suite itself was not run. Modules for what we do not offer test the refusal.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.oidc.authorizing import Browser, FinishSignInFirst, SendBack, SignInFirst
from app.oidc.refusals import InvalidToken, RedirectUriNotRegistered, UnknownRelyingParty
from app.storage.tables.openid import oidc_code
from tests.support.relying_party import ISSUER, sent, verified_claims


@pytest.fixture
def op(provider_on_sqlite: Any) -> Any:
    """What a relying party sees is the same on both databases; races are tested on both elsewhere."""
    return provider_on_sqlite


def id_token(op: Any, **changes: str | None) -> dict[str, Any]:
    return verified_claims(op.tokens(**changes)["id_token"], op.openid.jwks())


def userinfo(op: Any, **changes: str | None) -> dict[str, Any]:
    claims: dict[str, Any] = op.openid.token_use.userinfo(op.tokens(**changes)["access_token"])
    return claims


def test_oidcc_server(op: Any) -> None:
    tokens = op.tokens()
    assert tokens["token_type"] == "Bearer"
    claims = verified_claims(tokens["id_token"], op.openid.jwks())
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ISSUER, op.uid, op.party.client_id)
    assert claims["nonce"] == "nonce-1"


def test_oidcc_response_type_missing(op: Any) -> None:
    assert op.error(response_type=None) == "invalid_request"


@pytest.mark.parametrize("response_type", ["token", "id_token", "code id_token", "none"])
def test_other_response_types(op: Any, response_type: str) -> None:
    assert op.error(response_type=response_type) == "unsupported_response_type"


def test_oidcc_idtoken_signature(op: Any) -> None:
    token = op.tokens()["id_token"]
    stranger = ECKey.generate_key("P-256")
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(token, stranger, algorithms=["ES256", "RS256"])


def test_oidcc_idtoken_rs256(op: Any) -> None:
    assert op.openid.metadata()["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert _algorithm(op.tokens()["id_token"]) == "RS256"


def test_oidcc_idtoken_es256(op: Any) -> None:
    op.with_registration(id_token_algorithm="ES256")
    assert _algorithm(op.tokens()["id_token"]) == "ES256"


def _algorithm(token: str) -> str:
    import base64
    import json

    header = token.split(".")[0]
    algorithm: str = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"]
    return algorithm


def test_oidcc_idtoken_unsigned_is_not_offered(op: Any) -> None:
    assert "none" not in op.openid.metadata()["id_token_signing_alg_values_supported"]


def test_oidcc_userinfo_get(op: Any) -> None:
    assert userinfo(op)["sub"] == op.uid


def test_oidcc_userinfo_with_a_wrong_token(op: Any) -> None:
    with pytest.raises(InvalidToken):
        op.openid.token_use.userinfo("x" * 44)


def test_oidcc_userinfo_takes_no_refresh_token(op: Any) -> None:
    with pytest.raises(InvalidToken):
        op.openid.token_use.userinfo(op.tokens()["refresh_token"])


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(op: Any) -> None:
    assert "nonce" not in id_token(op, nonce=None)


def test_oidcc_scope_profile(op: Any) -> None:
    claims = userinfo(op, scope="openid profile")
    assert (claims["name"], claims["given_name"], claims["family_name"]) == ("Meera Patel", "Meera", "Patel")
    assert "email" not in claims


def test_oidcc_scope_email(op: Any) -> None:
    assert userinfo(op, scope="openid email") == {"sub": op.uid, "email": "meera.patel@example.nhs.uk"}


def test_oidcc_scope_all(op: Any) -> None:
    claims = userinfo(op, scope="openid profile email nationalrbacaccess associatedorgs selectedrole")
    assert {"name", "email", "nhsid_nrbac_roles", "nhsid_user_orgs", "selected_roleid"} <= claims.keys()


def test_a_scope_that_is_not_registered_is_left_out(op: Any) -> None:
    op.with_registration(scopes=["openid"])
    tokens = op.tokens(scope="openid email nhsperson made-up")
    assert tokens["scope"] == "openid"
    assert op.openid.token_use.userinfo(tokens["access_token"]) == {"sub": op.uid}


def test_oidcc_without_openid_scope(op: Any) -> None:
    assert op.error(scope="profile") == "invalid_scope"


@pytest.mark.parametrize(
    "parameters",
    [
        {"display": "page"},
        {"display": "popup"},
        {"extra": "foobar"},
        {"login_hint": "somebody"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
    ],
    ids=str,
)
def test_oidcc_parameters_that_change_nothing(op: Any, parameters: dict[str, str]) -> None:
    assert op.code(**parameters)


def test_oidcc_prompt_login(op: Any) -> None:
    assert isinstance(op.ask(prompt="login"), SignInFirst)
    asked_at = op.now
    op.sign_in(op.uid, op.role)
    assert isinstance(op.ask(op.browser(asked_at), prompt="login"), SendBack)


def test_oidcc_prompt_select_account(op: Any) -> None:
    assert isinstance(op.ask(prompt="select_account"), SignInFirst)


def test_oidcc_prompt_none_not_logged_in(op: Any) -> None:
    assert op.error(Browser(None, op.now, op.now), prompt="none") == "login_required"


def test_oidcc_prompt_none_logged_in(op: Any) -> None:
    assert op.code(prompt="none")


def test_prompt_none_while_the_role_is_not_chosen(op: Any) -> None:
    op.sign_in(op.uid, None, finished=False)
    assert op.error(prompt="none") == "interaction_required"
    assert isinstance(op.ask(), FinishSignInFirst)


def test_prompt_none_with_login_contradicts_itself(op: Any) -> None:
    assert op.error(prompt="none login") == "invalid_request"


def test_oidcc_max_age_1(op: Any) -> None:
    later = op.now + timedelta(seconds=2)
    assert isinstance(op.ask(op.browser(later, later), max_age="1"), SignInFirst)
    assert op.error(op.browser(later, later), max_age="1", prompt="none") == "login_required"


def test_oidcc_max_age_0_asks_once_and_not_again(op: Any) -> None:
    asked_at = op.now
    assert isinstance(op.ask(op.browser(asked_at), max_age="0"), SignInFirst)
    op.sign_in(op.uid, op.role)
    assert isinstance(op.ask(op.browser(asked_at), max_age="0"), SendBack)


def test_oidcc_max_age_10000(op: Any) -> None:
    first = id_token(op)
    second = id_token(op, max_age="10000", prompt="none")
    assert first["auth_time"] == second["auth_time"]


@pytest.mark.parametrize("max_age", ["-1", "one", "1e3", "٣", "9" * 30])
def test_a_max_age_that_is_no_number(op: Any, max_age: str) -> None:
    assert op.error(max_age=max_age) == "invalid_request"


def test_oidcc_id_token_hint(op: Any) -> None:
    hint = op.tokens()["id_token"]
    assert op.code(id_token_hint=hint, prompt="none")


def test_an_id_token_hint_of_somebody_else(op: Any) -> None:
    hint = op.tokens()["id_token"]
    tom = op.register.person("Tom", "Okoro")
    asked_at = op.now
    op.sign_in(tom, None)
    assert op.error(id_token_hint=hint, prompt="none") == "login_required"
    assert isinstance(op.ask(id_token_hint=hint), SignInFirst)
    assert op.error(op.browser(asked_at), id_token_hint=hint) == "login_required"


def test_an_id_token_hint_that_we_did_not_sign(op: Any) -> None:
    forged = jwt.encode({"alg": "ES256"}, {"sub": op.uid}, ECKey.generate_key("P-256"))
    assert op.error(id_token_hint=forged) == "invalid_request"


def test_oidcc_ensure_request_with_acr_values_succeeds(op: Any) -> None:
    assert id_token(op)["acr"] == "AAL3_ANY"
    assert id_token(op, acr_values="AAL3_FIDO2 AAL3_CIS2_SMARTCARD")["acr"] == "AAL3_CIS2_SMARTCARD"
    assert id_token(op)["amr"] == ["sc", "pin"]


def test_oidcc_claims_essential(op: Any) -> None:
    claims = userinfo(op, scope="openid", claims='{"userinfo": {"name": {"essential": true}}}')
    assert claims == {"sub": op.uid, "name": "Meera Patel"}


def test_an_essential_acr_that_a_card_reaches(op: Any) -> None:
    asked = '{"id_token": {"acr": {"essential": true, "values": ["AAL3_SMARTCARD"]}}}'
    assert id_token(op, claims=asked)["acr"] == "AAL3_SMARTCARD"


def test_an_essential_acr_that_a_card_does_not_reach(op: Any) -> None:
    asked = '{"id_token": {"acr": {"essential": true, "value": "AAL3_FIDO2"}}}'
    assert op.error(claims=asked) == "unmet_authentication_requirements"


@pytest.mark.parametrize("claims", ["{", "[]", '{"id_token": 1}', '{"id_token": {"acr": []}}', "[" * 3000])
def test_a_claims_parameter_that_is_not_right(op: Any, claims: str) -> None:
    assert op.error(claims=claims) == "invalid_request"


def test_oidcc_codereuse(op: Any) -> None:
    code = op.code()
    tokens = op.post(op.party.exchange(code))
    assert op.token_error(op.party.exchange(code)) == "invalid_grant"
    with pytest.raises(InvalidToken):
        op.openid.token_use.userinfo(tokens["access_token"])


def test_oidcc_codereuse_30seconds(op: Any) -> None:
    code = op.code()
    tokens = op.post(op.party.exchange(code))
    op.register.set(oidc_code, oidc_code.c.used_at.is_not(None), expires_at=op.now - timedelta(seconds=1))
    assert op.token_error(op.party.exchange(code)) == "invalid_grant"
    assert not op.is_active(tokens["access_token"])


def test_a_code_lives_a_minute(op: Any) -> None:
    code = op.code()
    op.register.set(oidc_code, oidc_code.c.used_at.is_(None), expires_at=op.now - timedelta(seconds=1))
    assert op.token_error(op.party.exchange(code)) == "invalid_grant"


@pytest.mark.parametrize(
    "change", ["/more", "?more=1", "x", "#f"], ids=["path", "query", "suffix", "fragment"]
)
def test_oidcc_ensure_registered_redirect_uri(op: Any, change: str) -> None:
    with pytest.raises(RedirectUriNotRegistered):
        op.ask(redirect_uri=op.party.redirect_uri + change)


def test_an_unknown_relying_party_gets_nothing(op: Any) -> None:
    with pytest.raises(UnknownRelyingParty):
        op.ask(client_id="stranger")


def test_a_repeated_redirect_uri_goes_nowhere(op: Any) -> None:
    twice = sent(op.party.request()) | {"redirect_uri": [op.party.redirect_uri, "https://evil.example/"]}
    with pytest.raises(RedirectUriNotRegistered):
        op.openid.authorizing.answer(twice, op.browser())


def test_a_repeated_parameter_is_refused(op: Any) -> None:
    twice = sent(op.party.request()) | {"nonce": ["a", "b"]}
    answer = op.openid.authorizing.answer(twice, op.browser())
    assert "error=invalid_request" in answer.location


def test_oidcc_request_object_is_refused(op: Any) -> None:
    assert op.error(request="eyJhbGciOiJub25lIn0.e30.") == "request_not_supported"


def test_oidcc_request_uri_is_refused(op: Any) -> None:
    assert op.error(request_uri="https://evil.example/r") == "request_uri_not_supported"


def test_oidcc_state_comes_back_unchanged(op: Any) -> None:
    odd = "a b&c=d/ü\"'<script>"
    assert op.sent_back(state=odd)["state"] == odd
    assert "state" not in op.sent_back(state=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
        {"code_challenge": "a" * 44},
    ],
    ids=str,
)
def test_oidcc_pkce_is_needed(op: Any, changes: dict[str, str | None]) -> None:
    assert op.error(**changes) == "invalid_request"


@pytest.mark.parametrize("verifier", ["", "x" * 43, "wrong"])
def test_oidcc_pkce_wrong_verifier(op: Any, verifier: str) -> None:
    assert op.token_error(op.party.exchange(op.code(), code_verifier=verifier)) == "invalid_grant"


def test_a_code_goes_only_to_the_relying_party_that_asked(op: Any) -> None:
    stolen = op.party.exchange(op.code()) | op.other.proof()
    assert op.token_error(stolen) == "invalid_grant"


def test_a_code_goes_only_with_its_redirect_uri(op: Any) -> None:
    changed = op.party.exchange(op.code(), redirect_uri="https://evil.example/")
    assert op.token_error(changed) == "invalid_grant"


def test_oidcc_refresh_token(op: Any) -> None:
    tokens = op.tokens()
    again = op.post(op.refresh_form(tokens["refresh_token"]))
    first, second = (verified_claims(each["id_token"], op.openid.jwks()) for each in (tokens, again))
    assert {name: first[name] for name in ("iss", "sub", "aud", "auth_time", "sid")} == {
        name: second[name] for name in ("iss", "sub", "aud", "auth_time", "sid")
    }
    assert again["refresh_token"] != tokens["refresh_token"]
    assert op.openid.token_use.userinfo(again["access_token"])["sub"] == op.uid


def test_a_refresh_token_used_twice_revokes_everything_from_its_code(op: Any) -> None:
    tokens = op.tokens()
    again = op.post(op.refresh_form(tokens["refresh_token"]))
    assert op.token_error(op.refresh_form(tokens["refresh_token"])) == "invalid_grant"
    assert op.token_error(op.refresh_form(again["refresh_token"])) == "invalid_grant"
    assert not op.is_active(again["access_token"])


def test_a_refresh_token_is_good_for_its_own_relying_party_only(op: Any) -> None:
    form = op.refresh_form(op.tokens()["refresh_token"], op.other)
    assert op.token_error(form) == "invalid_grant"


def test_refreshing_needs_registration(op: Any) -> None:
    op.with_registration(may_refresh=False)
    assert "refresh_token" not in op.tokens()
    assert op.token_error(op.refresh_form("x" * 44)) == "unauthorized_client"


@pytest.mark.parametrize("grant_type", ["client_credentials", "password", "implicit"])
def test_other_grant_types(op: Any, grant_type: str) -> None:
    assert op.token_error({"grant_type": grant_type, **op.party.proof()}) == "unsupported_grant_type"


def test_oidcc_discovery(op: Any) -> None:
    document = op.openid.metadata()
    assert document["issuer"] == ISSUER
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert all(
        document[name].startswith(ISSUER) for name in document if name.endswith(("_endpoint", "jwks_uri"))
    )


def test_the_published_keys_are_public_only(op: Any) -> None:
    keys = op.openid.jwks()["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "ES256"}
    assert all(not {"d", "p", "q", "dp", "dq", "qi"} & key.keys() and key["kid"] for key in keys)
