"""Why a certification path is not believed: one class each, with a code that never changes."""

from __future__ import annotations

from app.errors import Refusal


class PathRefused(Refusal):
    """A certificate does not lead to our anchors for this use, or not at this time."""

    code = "path_refused"


class CertificateUnreadable(PathRefused):
    """The certificate cannot be parsed, or is larger than any real one."""

    code = "certificate_unreadable"


class NotIssuedByOurs(PathRefused):
    """No path leads from the certificate to our anchors (RFC 5280 section 6.1.3)."""

    code = "not_issued_by_ours"


class IssuerNotValid(PathRefused):
    """A CA's certificate in the path is not valid at this time."""

    code = "issuer_not_valid"


class NotYetValid(PathRefused):
    """The certificate's validity begins later."""

    code = "not_yet_valid"


class HasExpired(PathRefused):
    """The certificate's validity has ended."""

    code = "expired"


class NotForThisUse(PathRefused):
    """Key usage, extended key usage or basic constraints say that the key is for something else."""

    code = "not_for_this_use"


class KeyTooWeak(PathRefused):
    """A key of the path is too short, or of a kind that is not accepted."""

    code = "key_too_weak"


class PolicyNotAccepted(PathRefused):
    """None of the certificate's policies is one that this use takes, or a CA above does not allow it."""

    code = "policy_not_accepted"


class StatusUnknown(PathRefused):
    """It cannot be told whether it is revoked: the answer is missing, too old or not to be believed."""

    code = "status_unknown"
