"""One defect a path: what we say of it, and that two other validators say the same."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError
from pyhanko_certvalidator.policy_decl import PKIXValidationParams

from app.validation.anchors import TrustAnchors, TrustAnchorsNotUsable
from app.validation.path import PathValidator
from app.validation.refusals import PathRefused
from app.validation.use import CertificateUse
from tests.support.defective_certificates import CASES, NOW, POLICY, path_of, write

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
USE = CertificateUse(frozenset({"digitalSignature"}), frozenset({CLIENT_AUTH}), frozenset({POLICY}))


def our_verdict(case: str) -> str:
    """The code of our refusal; empty when we believe the path."""
    root, issuer, holder = path_of(case)
    try:
        anchors = TrustAnchors(*_anchors(root, issuer))
        PathValidator(anchors, USE).validate_from_untrusted(holder, NOW)
    except TrustAnchorsNotUsable:
        return "anchors"
    except PathRefused as refused:
        return refused.code
    return ""


def _anchors(root: bytes, issuer: bytes) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    return x509.load_der_x509_certificate(root), (x509.load_der_x509_certificate(issuer),)


def is_accepted_by_openssl(case: str, folder: Path) -> bool:
    write(folder, case)
    root, issuer, holder = (str(folder / f"{case}.{role}.pem") for role in ("root", "issuer", "holder"))
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-auth_level", "2"]
    command += ["-policy", POLICY, "-explicit_policy", "-CAfile", root, "-untrusted", issuer, holder]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def is_accepted_by_pyhanko(case: str) -> bool:
    root, issuer, holder = (asn1.Certificate.load(der) for der in path_of(case))
    context = ValidationContext(trust_roots=[root], moment=NOW, weak_hash_algos={"md5", "sha1"})
    policy = PKIXValidationParams(user_initial_policy_set=frozenset({POLICY}), initial_explicit_policy=True)
    validator = CertificateValidator(
        holder, intermediate_certs=[issuer], validation_context=context, pkix_params=policy
    )
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}, {"client_auth"}))
    except (ValidationError, PathValidationError, PathBuildingError, ValueError):
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_each_defect_is_refused_for_its_own_reason(case: str) -> None:
    assert our_verdict(case) == CASES[case].code


@pytest.mark.parametrize("case", CASES)
def test_openssl_and_pyhanko_say_the_same_but_where_we_are_stricter(case: str, tmp_path: Path) -> None:
    stricter = CASES[case].others_accept
    is_sound = not CASES[case].code
    said = {"openssl": is_accepted_by_openssl(case, tmp_path), "pyhanko": is_accepted_by_pyhanko(case)}
    assert said == {peer: is_sound or peer in stricter for peer in said}


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("authority-key-identifier-differs", "with another key than our CA of that name has"),
        ("issuer-name-differs", "which is none of our CAs for this use"),
        ("signed-with-sha-1", "algorithm that is not accepted (SHA-1 is one)"),
        ("signature-altered", "no path leads to our root: signature does not match"),
    ],
)
def test_the_sentence_says_what_is_wrong_and_nothing_of_the_library(case: str, sentence: str) -> None:
    root, issuer, holder = path_of(case)
    validator = PathValidator(TrustAnchors(*_anchors(root, issuer)), USE)
    with pytest.raises(PathRefused) as refused:
        validator.validate_from_untrusted(holder, NOW)
    assert str(refused.value).endswith(sentence)
