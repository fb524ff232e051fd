"""The linter: nothing is signed with a real key before pkilint found no error in it.

Everything that is the same for each document is built once; a lint is then a walk over one document.
Warnings and notices do not stop: pkilint gives them for permitted choices.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pkilint import loader, pkix, validation
from pkilint.pkix import certificate, crl, extension, name, ocsp

from app.ca.refusals import LintFailed

LINTER_NAME = f"pkilint {version('pkilint')}"
"""What the reports of receipts call it."""


class Linter:
    """pkilint's PKIX checks (RFC 5280, RFC 6960) for certificates, CRLs and OCSP answers."""

    def __init__(self) -> None:
        self._certificates = _certificate_checks()
        self._crls = _crl_checks()
        self._ocsp_answers = _ocsp_checks()

    def require_clean_certificate(self, der: bytes) -> None:
        """Refuse a certificate with an error. Raises LintFailed naming the findings."""
        _require_clean("certificate", loader.RFC5280CertificateDocumentLoader(), self._certificates, der)

    def require_clean_crl(self, der: bytes) -> None:
        """Refuse a CRL with an error. Raises LintFailed naming the findings."""
        _require_clean("CRL", loader.RFC5280CertificateListDocumentLoader(), self._crls, der)

    def require_clean_ocsp_answer(self, der: bytes) -> None:
        """Refuse an OCSP answer with an error. Raises LintFailed naming the findings."""
        _require_clean("OCSP answer", loader.RFC6960OCSPResponseDocumentLoader(), self._ocsp_answers, der)


def _certificate_checks() -> Any:
    decoders = certificate.create_decoding_validators(
        name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS
    )
    return certificate.create_pkix_certificate_validator_container(
        decoders,
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


def _crl_checks() -> Any:
    return crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )


def _ocsp_checks() -> Any:
    return ocsp.create_pkix_ocsp_response_validator_container(
        [
            ocsp.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )


def _require_clean(what: str, document_loader: Any, checks: Any, der: bytes) -> None:
    try:
        document = document_loader.load_der_document(der)
    except ValueError as error:
        raise LintFailed(f"The {what} cannot be decoded: {error}.") from error
    findings = [
        f"{each.finding.code} ({each.message})" if each.message else str(each.finding.code)
        for result in checks.validate(document.root)
        for each in result.finding_descriptions
        if each.finding.severity <= validation.ValidationFindingSeverity.ERROR
    ]
    if findings:
        raise LintFailed(f"The {what} was not signed because of: {'; '.join(sorted(set(findings)))}.")
