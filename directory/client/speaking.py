"""What both forms of a connection hold true of messages, and the login that each begins with."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from directory.client import requests
from directory.client.requests import Request
from directory.client.responses import (
    BUSY,
    SUCCESS,
    UNAVAILABLE,
    Answer,
    Message,
    is_notice_of_disconnection,
)
from directory.client.servers import Address
from directory.credentials import ClientTls, PasswordLogin
from directory.errors import DirectoryRefused, DirectoryUnavailable, MalformedAnswer, ServerNotTrusted

LARGEST_MESSAGE_ID = 2**31 - 1
"""maxInt (RFC 4511 section 4.1.1)."""


def following_id(last_id: int) -> int:
    """The id of the next message. Never zero, which is the server's own (section 4.1.1.1)."""
    return last_id % LARGEST_MESSAGE_ID + 1


def must_be_ours(message: Message, expected_id: int) -> None:
    """Check that a message answers the one request that is out.

    Raises:
        DirectoryUnavailable: the server says that it ends the connection.
        MalformedAnswer: it answers another.
    """
    must_not_be_the_end(message)
    if message.id != expected_id:
        raise MalformedAnswer(f"a response to request {message.id}, which was not asked")


def must_not_be_the_end(message: Message) -> None:
    """Check that a message is not the server's notice of disconnection.

    Raises:
        DirectoryUnavailable: it is.
    """
    if is_notice_of_disconnection(message):
        raise DirectoryUnavailable(f"The directory ends the connection: {message.description}")


def must_be_willing(address: Address, answer: Answer) -> None:
    """Check that a server did not ask us to come again later.

    Raises:
        DirectoryUnavailable: it did. Another server may answer.
    """
    if answer.result_code in (BUSY, UNAVAILABLE):
        raise DirectoryUnavailable(f"The directory at {address} cannot answer now: {answer.description}")


def not_connected(address: Address, error: OSError) -> DirectoryUnavailable:
    """What the client says to a connection that did not come to be."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ServerNotTrusted(f"The server at {address} is not to be trusted: {error}")
    return DirectoryUnavailable(f"The directory at {address} cannot be reached: {str(error) or 'timed out'}")


@dataclass(frozen=True)
class Identity:
    """Who asks: by the certificate (SASL EXTERNAL), by DN and password, or nobody.

    Files are read anew for each connection, so that a renewed certificate or password needs no restart.
    """

    tls: ClientTls
    login: PasswordLogin | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS side of it.

        Raises:
            InvalidSetting: a file is missing or is not what it should be.
        """
        return self.tls.context()

    def bind(self) -> Request:
        """The bind side of it.

        Raises:
            InvalidSetting: there is no password in the password file.
        """
        if self.login is not None:
            return requests.simple_bind(self.login.dn, self.login.read())
        return requests.external_bind() if self.tls.certificate else requests.anonymous_bind()


def must_be_bound(address: Address, answer: Answer) -> None:
    """Check the answer to a bind.

    Raises:
        DirectoryRefused: the server does not take us for who we say we are.
    """
    if answer.result_code != SUCCESS:
        said = answer.description or "the login is not accepted"
        raise DirectoryRefused(f"log us in at {address}", answer.result_code, said)
