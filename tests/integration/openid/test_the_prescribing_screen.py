"""The example relying party, off-the-shelf client and all, against the provider, both served over TLS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from app.adapters.back_channel import HttpBackChannel
from app.errors import Unavailable
from examples.prescribing.settings import SettingsNotUsable, load
from tests.support.openid_provider import signing_keys
from tests.support.ward import Ward, free_port


def test_a_clinician_reaches_the_screen_and_may_sign(ward: Ward) -> None:
    uid, held = ward.clinician()
    page = ward.sign_in(held)
    assert str(page.url) == f"{ward.screen}/"
    assert "Meera Patel" in page.text
    assert uid in page.text
    assert "A81001" in page.text
    assert "Clinical Practitioner Access Role" in page.text
    assert (
        '<li class="codes__needed">Independent Prescribing <span class="codes__code">B0420</span></li>'
        in page.text
    )
    assert "You may sign prescriptions" in page.text


def test_a_receptionist_is_refused_with_a_clear_sentence(ward: Ward) -> None:
    page = ward.sign_in(ward.clinician("R8008")[1])
    assert "You may not sign prescriptions" in page.text
    refused = ward.press(page, "/prescriptions")
    assert refused.status_code == 403
    assert "Your role does not allow you to sign prescriptions" in refused.text


def test_when_the_session_ends_at_the_provider_it_ends_here(ward: Ward) -> None:
    uid, held = ward.clinician()
    ward.sign_in(held)
    session_id = ward.session()
    with ward.register.database.change() as work:
        work.sessions.end_all(uid, "card_lost")
    ward.telling.tell(session_id)
    assert "Sign in to prescribe" in ward.browser.get(ward.screen).text


def test_signing_out_here_signs_out_there(ward: Ward) -> None:
    page = ward.sign_in(ward.clinician()[1])
    assert "Sign in to prescribe" in ward.press(page, "/sign-out").text
    assert ward.browser.get(f"{ward.provider}/sign-in/terms").url.path == "/sign-in"
    [event] = ward.register.events("session.ended")
    assert event.details["why"] == "signed_out"


def test_another_role_needs_the_card_again(ward: Ward) -> None:
    ward.sign_in(ward.clinician()[1])
    assert ward.browser.get(f"{ward.screen}/sign-in?again=yes").url.path == "/sign-in"


def test_a_form_of_another_site_does_nothing(ward: Ward) -> None:
    ward.sign_in(ward.clinician()[1])
    for action in ("/prescriptions", "/sign-out"):
        assert ward.browser.post(ward.screen + action, data={"csrf": "guess"}).status_code == 400


def test_an_answer_that_names_another_issuer_is_refused(ward: Ward) -> None:
    page = ward.browser.get(f"{ward.screen}/signed-in?code=x&state=y&iss=https://evil.example")
    assert page.status_code == 400
    assert "did not come from the sign-in service" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"events": {}},
        {"nonce": "n"},
        {"exp": 1},
        {"sid": None},
    ],
    ids=str,
)
def test_a_logout_token_that_is_not_right_ends_nothing(ward: Ward, changes: dict[str, Any]) -> None:
    ward.sign_in(ward.clinician()[1])
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": ward.provider,
        "aud": "prescribing-screen",
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "sid": ward.session(),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    } | changes
    token = signing_keys().sign(claims, "ES256", "logout+jwt")
    answer = ward.browser.post(f"{ward.screen}/back-channel-logout", data={"logout_token": token})
    assert answer.status_code == 400
    assert "Meera Patel" in ward.browser.get(ward.screen).text


def test_a_logout_token_that_anybody_signed_ends_nothing(ward: Ward) -> None:
    ward.sign_in(ward.clinician()[1])
    forged = jwt.encode({"alg": "ES256", "typ": "logout+jwt"}, {"sid": "x"}, ECKey.generate_key("P-256"))
    answer = ward.browser.post(f"{ward.screen}/back-channel-logout", data={"logout_token": forged})
    assert answer.status_code == 400


def test_a_relying_party_that_is_down_is_told_later(ward: Ward) -> None:
    with pytest.raises(Unavailable):
        HttpBackChannel().post_logout_token(f"https://127.0.0.1:{free_port()}/x", "t", str(ward.ca_file))


def test_a_relying_party_of_an_unknown_authority_is_told_nothing(ward: Ward) -> None:
    with pytest.raises(Unavailable):
        HttpBackChannel().post_logout_token(f"{ward.screen}/back-channel-logout", "t", "")


def test_a_setting_that_is_not_known_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('colour = "red"\n')
    with pytest.raises(SettingsNotUsable):
        load(file)
