"""The gate before an OCSP responder's key: what the whole linter refuses passes by no template."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ca import contents
from app.ca.contents import Validity
from app.ca.lint import Linter
from app.ca.names import named_subject
from app.ca.ocsp_form import CertificateName, Told, issuer_hashes, response_data
from app.ca.ocsp_gate import OcspGate
from app.ca.ocsp_signer import AnswerSigner, Responder
from app.ca.refusals import LintFailed
from app.ca.signing import signature_hash
from app.ca.status_values import Revocation
from app.domain.revocation import RevocationReason
from tests.support.rewritten_der import each_octet_changed, rewritten, with_octets_exchanged

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINTER = Linter()
KEY = ec.generate_private_key(ec.SECP256R1())
NAME = named_subject((("O", "Spine RA"), ("CN", "Test CA")))
LASTING = Validity.beginning(NOW - timedelta(days=1), timedelta(days=3653))
AUTHORITY = contents.root_ca(NAME, KEY.public_key(), LASTING).sign(KEY, signature_hash(KEY))
SIGNER = AnswerSigner(Responder(AUTHORITY, AUTHORITY, KEY), LINTER)
KEY_HASH = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()).digest


def told(reason: RevocationReason | None = None, *, issued: bool = True, nonce: bytes = b"") -> Told:
    """What an answer may tell, in the form of its kind."""
    name = CertificateName("sha256", *issuer_hashes(AUTHORITY, "sha256"), serial_number=2**158 + 11)
    revocation = Revocation("abc", reason, NOW - timedelta(hours=3)) if reason else None
    return Told(name, issued, revocation, NOW, NOW + timedelta(hours=12), nonce)


KINDS = {
    "good": told(),
    "unknown": told(issued=False),
    "revoked": told(RevocationReason.KEY_COMPROMISE),
    "revoked without a reason": told(RevocationReason.UNSPECIFIED),
    "good, with a nonce": told(nonce=bytes(range(32))),
    "revoked, with a nonce": told(RevocationReason.SUPERSEDED, nonce=b"n"),
}


def whole(data: bytes) -> bytes:
    return SIGNER._linted(data)


def gate_that_knows(what: Told) -> tuple[OcspGate, bytes]:
    """A gate whose template is this answer."""
    gate, data = OcspGate(LINTER, 10**9), response_data(what, KEY_HASH)
    assert not gate.passes_by_template(what.kind, data)
    gate.require_sound(what.kind, data, lambda: whole(data))
    return gate, data


GATES = {name: gate_that_knows(what) for name, what in KINDS.items()}


def does_no_worse_than_the_whole(name: str, changed: bytes) -> bool:
    """Whether the gate passes it; if it does, the whole linter must as well."""
    gate, _ = GATES[name]
    passed = gate.passes_by_template(KINDS[name].kind, changed)
    if passed:
        LINTER.require_clean_ocsp_answer(whole(changed))
    return passed


@pytest.mark.parametrize("name", KINDS)
def test_others_of_the_kind_pass_by_the_template(name: str) -> None:
    gate, data = GATES[name]
    assert gate.passes_by_template(KINDS[name].kind, data)
    for other in set(KINDS) - {name}:
        different = response_data(KINDS[other], KEY_HASH)
        is_of_the_kind = KINDS[other].kind == KINDS[name].kind
        assert gate.passes_by_template(KINDS[name].kind, different) is is_of_the_kind


@pytest.mark.parametrize("name", KINDS)
def test_each_octet_changed(name: str) -> None:
    _, data = GATES[name]
    passed = sum(does_no_worse_than_the_whole(name, changed) for changed in each_octet_changed(data))
    # Serial numbers and nonces may differ, so some changes are as good as the original.
    assert 0 < passed < len(data)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(KINDS)))
def test_octets_put_in_left_out_and_exchanged(data: st.DataObject, name: str) -> None:
    does_no_worse_than_the_whole(name, with_octets_exchanged(data, GATES[name][1]))


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(KINDS)))
def test_fields_rewritten_so_that_all_lengths_fit(data: st.DataObject, name: str) -> None:
    does_no_worse_than_the_whole(name, rewritten(data, GATES[name][1]))


@pytest.mark.parametrize("octets", [b"", b"\x00", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x30" * 4000])
def test_what_is_no_der_passes_nothing(octets: bytes) -> None:
    gate, _ = GATES["good"]
    assert not gate.passes_by_template(KINDS["good"].kind, octets)
    with pytest.raises(LintFailed):
        gate.require_sound(KINDS["good"].kind, octets, lambda: octets)
