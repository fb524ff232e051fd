"""Certificate policies along a path (RFC 5280 section 6.1), for paths without policy mappings.

With mappings left out, the valid policy tree of the standard is a set: what every certificate so far names,
directly or by anyPolicy. An explicit policy is always required, so requireExplicitPolicy changes nothing. A
certificate with policy mappings is refused: our ceremonies make none.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from app.validation.refusals import PolicyNotAccepted

ANY_POLICY = "2.5.29.32.0"
_NEVER = 1_000


def require_policy(path: Sequence[x509.Certificate], accepted: frozenset[str]) -> None:
    """Refuse a path under none of the accepted policies.

    Args:
        path: from the end entity up; the last one is the anchor, whose own policies do not count (RFC 5280
            section 6.1.1 d).
        accepted: dotted; none accepts everything.

    Raises:
        PolicyNotAccepted
    """
    if not accepted:
        return
    below_anchor = list(reversed(path[:-1]))
    remaining, any_policy_for = accepted, len(below_anchor)
    for position, certificate in enumerate(below_anchor):
        remaining = _narrowed(remaining, certificate, any_counts=position < any_policy_for)
        if certificate is not below_anchor[-1]:
            any_policy_for = min(any_policy_for, position + 1 + _inhibits_any_policy(certificate))
    if not remaining:
        raise PolicyNotAccepted("none of the certificate's policies is accepted for this use")


def _narrowed(
    remaining: frozenset[str], certificate: x509.Certificate, *, any_counts: bool
) -> frozenset[str]:
    if _has_mappings(certificate):
        raise PolicyNotAccepted("a certificate of the path maps policies")
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return frozenset()
    named = {each.policy_identifier.dotted_string for each in policies}
    return remaining if any_counts and ANY_POLICY in named else remaining & named


def _has_mappings(certificate: x509.Certificate) -> bool:
    return any(each.oid == ExtensionOID.POLICY_MAPPINGS for each in certificate.extensions)


def _inhibits_any_policy(certificate: x509.Certificate) -> int:
    """After how many further certificates anyPolicy no longer counts (RFC 5280 section 4.2.1.14)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.InhibitAnyPolicy).value.skip_certs
    except x509.ExtensionNotFound:
        return _NEVER
