"""The client library: may this person do this there, what are their roles, where does a message go?

``DirectoryClient`` waits for the answer; ``AsyncDirectoryClient`` is for asyncio. Both speak LDAP themselves:
they need three of its operations, and a check by the general library costs its asker ten times as much. They
import nothing but the standard library.

========================  ==========================================================================
``ber``                   the encoding, read with distrust
``requests``              the requests, by the names of RFC 4511
``responses``             the responses, cut from a stream of bytes
``questions``             what is asked and how it is decided
``servers``               which server to ask, and when to give up
``blocking``, ``client``  one connection, and the pool of them, whose caller waits
``pipelining``,           one connection, and the pool of them, for asyncio
``async_client``
========================  ==========================================================================
"""

from directory.client.async_client import AsyncDirectoryClient
from directory.client.client import DirectoryClient
from directory.client.results import Coded, Endpoint, Role
from directory.credentials import ClientTls, PasswordLogin
from directory.errors import (
    DirectoryError,
    DirectoryRefused,
    DirectoryUnavailable,
    InvalidIdentifier,
    InvalidSetting,
    ServerNotTrusted,
    SeveralAnswers,
)

__all__ = [
    "AsyncDirectoryClient",
    "ClientTls",
    "Coded",
    "DirectoryClient",
    "DirectoryError",
    "DirectoryRefused",
    "DirectoryUnavailable",
    "Endpoint",
    "InvalidIdentifier",
    "InvalidSetting",
    "PasswordLogin",
    "Role",
    "ServerNotTrusted",
    "SeveralAnswers",
]
