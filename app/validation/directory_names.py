"""Name constraints on directory names (RFC 5280 section 4.2.1.10), which the library does not judge.

None of our CAs carries any; a root of somebody else may. Subjects are compared attribute by attribute as they
are written, which refuses rather more than the standard's comparison without regard to case.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from app.validation.refusals import NotIssuedByOurs


def require_within_name_constraints(
    certificate: x509.Certificate, issuers: Sequence[x509.Certificate]
) -> None:
    """Refuse a subject that a CA of the path may not name.

    Raises:
        NotIssuedByOurs
    """
    names = _directory_names(certificate)
    for issuer in issuers:
        constraints = _constraints(issuer)
        if constraints is not None:
            _require_permitted(names, _subtrees(constraints.permitted_subtrees))
            _require_not_excluded(names, _subtrees(constraints.excluded_subtrees))


def _constraints(issuer: x509.Certificate) -> x509.NameConstraints | None:
    try:
        return issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None


def _directory_names(certificate: x509.Certificate) -> list[x509.Name]:
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [certificate.subject]
    return [certificate.subject, *others.get_values_for_type(x509.DirectoryName)]


def _subtrees(names: Sequence[x509.GeneralName] | None) -> list[x509.Name]:
    return [name.value for name in names or () if isinstance(name, x509.DirectoryName)]


def _require_permitted(names: Sequence[x509.Name], subtrees: Sequence[x509.Name]) -> None:
    for name in names:
        if subtrees and not any(_is_below(name, subtree) for subtree in subtrees):
            raise NotIssuedByOurs("the subject lies outside the name constraints of its CA")


def _require_not_excluded(names: Sequence[x509.Name], subtrees: Sequence[x509.Name]) -> None:
    for name in names:
        if any(_is_below(name, subtree) for subtree in subtrees):
            raise NotIssuedByOurs("the subject is excluded by the name constraints of its CA")


def _is_below(name: x509.Name, subtree: x509.Name) -> bool:
    return list(name.rdns)[: len(subtree.rdns)] == list(subtree.rdns)
