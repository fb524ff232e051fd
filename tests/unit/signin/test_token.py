"""Reading tokens: nothing that anybody sends makes anything but a refusal."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from app.signin.refusals import SignInRefused
from app.signin.token import bytes_of_fragment, token_from_untrusted
from app.validation.certificates import certificate_from_untrusted
from app.validation.refusals import PathRefused

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {
        "format": st.sampled_from(["web-eid:1.0", "web-eid:2", 1]),
        "algorithm": st.sampled_from(["ES256", "none"]) | JSON,
        "signature": st.text(max_size=200) | JSON,
        "unverifiedCertificate": st.text(max_size=200) | JSON,
    }
)


@given(st.binary(max_size=300))
def test_any_bytes(sent: bytes) -> None:
    with contextlib.suppress(SignInRefused):
        token_from_untrusted(sent)


@given(FIELDS)
def test_any_fields(fields: dict[str, object]) -> None:
    with contextlib.suppress(SignInRefused):
        token_from_untrusted(json.dumps(fields).encode())


@given(st.binary(max_size=300))
def test_any_certificate(der: bytes) -> None:
    with contextlib.suppress(PathRefused):
        certificate_from_untrusted(der)


@given(st.text(max_size=200))
def test_any_fragment(text: str) -> None:
    assert isinstance(bytes_of_fragment(text), bytes)
