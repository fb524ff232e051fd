"""What can go wrong with the directory. Every error here is a ``DirectoryError``."""

from __future__ import annotations


class DirectoryError(Exception):
    """Base of everything this package raises on purpose. No answer is an error, never a guess."""


class DirectoryUnavailable(DirectoryError):
    """No server answered: it is down or out of reach, or TLS failed. Asking again may help."""


class ServerNotTrusted(DirectoryUnavailable):
    """A server's certificate is not of our authority, has run out, or is another name's."""


class MalformedAnswer(DirectoryUnavailable):
    """What a server sent is no LDAP, or no answer to what was asked. Its connection is given up."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The directory's answer cannot be read: {what}.")
        self.what = what


class DirectoryRefused(DirectoryError):
    """The server answered with a result code that is not an answer to the question (RFC 4511 section 4.1.9).

    Attributes:
        operation: what was refused, e.g. "check a role".
        result_code: the LDAP result code, e.g. 50 insufficientAccessRights.
        description: what the server says to it.
    """

    def __init__(self, operation: str, result_code: int, description: str) -> None:
        super().__init__(f"The directory refused to {operation}: {description} (result code {result_code}).")
        self.operation = operation
        self.result_code = result_code
        self.description = description


class InvalidIdentifier(DirectoryError, ValueError):
    """A user id, organisation code, activity code or the like is not of the form that such ids have."""


class InvalidSetting(DirectoryError, ValueError):
    """The client was given an address or a file that it cannot use. The message names it."""


class SeveralAnswers(DirectoryError):
    """More than one entry fits where one was asked for. The message says how to ask more precisely."""


class SlapdFailed(DirectoryError):
    """slapd or slapadd could not be configured or started. The message holds what it printed."""


class SlapdAlreadyRunning(SlapdFailed):
    """Another slapd serves this folder; two on one database would both start, and collide."""
