"""What can go wrong with the directory. Every error here is a ``DirectoryError``."""

from __future__ import annotations


class DirectoryError(Exception):
    """Base of everything this package raises on purpose. No answer is an error, never a guess."""


class DirectoryUnavailable(DirectoryError):
    """No server answered: it is down or out of reach, or TLS failed. Asking again may help."""


class DirectoryRefused(DirectoryError):
    """The server answered with a result code that is not an answer to the question (RFC 4511 section 4.1.9).

    Attributes:
        result_code: the LDAP result code, e.g. 50 insufficientAccessRights.
    """

    def __init__(self, operation: str, result_code: int, description: str) -> None:
        super().__init__(f"The directory refused to {operation}: {description} (result code {result_code}).")
        self.result_code = result_code


class InvalidIdentifier(DirectoryError, ValueError):
    """A user id, organisation code, activity code or the like is not of the form that such ids have."""


class SlapdFailed(DirectoryError):
    """slapd or slapadd could not be configured or started. The message holds what it printed."""


class SlapdAlreadyRunning(SlapdFailed):
    """Another slapd serves this folder; two on one database would both start, and collide."""
