"""Revoked certificates of systems: slapd heeds the CRL of their authority, and a new one without a restart.

slapd reads its TLS files only when it starts and when a TLS attribute of ``cn=config`` is set again, so a new
CRL is written and then ``olcTLSCACertificateFile`` set to what it was. A slapd with GnuTLS (Debian 12) takes
the CRL from ``olcTLSCRLFile``; one with OpenSSL (Debian 13) ignores that attribute, takes CRLs from the file
of authorities and looks into them when ``olcTLSCRLCheck`` says so. Both are served.

An authority that its root has revoked leaves the file of authorities, and the root's CRL is heeded besides,
for clients that bring the authority's certificate themselves.

When the CRL is past its next update, OpenSSL refuses every certificate of its authority, GnuTLS only those
that it names: the worker must not stand still for two days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from directory.account import account_for
from directory.connection import open_session
from directory.replication import ANSWER_TIMEOUT
from directory.server_tls import distrusted_file, join_trusted, replace_private, revoked_file, trusted_file
from directory.unix_socket import ldapi_url, server_pid

_PATIENCE = 3 * ANSWER_TIMEOUT
"""Seconds. slapd changes its configuration when none of its threads works, and one of a replica that has just
begun to follow waits for its provider.
"""


@dataclass(frozen=True)
class RevokedNow:
    """What is revoked by now; PEM.

    Attributes:
        crls: the CRL of systems' authority, and its root's once that revokes an authority.
        authorities: the certificates of the authorities that the root has revoked.
    """

    crls: bytes
    authorities: bytes = b""


class RevocationList:
    """The CRL that the slapd of a folder heeds, and the authorities that it trusts no more.

    Args:
        folder: the directory's folder, as ``Slapd`` has it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._tls = self._folder / "tls"
        self._told: tuple[RevokedNow, int] | None = None

    def renew(self, revoked: RevokedNow) -> bool:
        """Have slapd heed this, at once or from its next start. Whether it was told something new.

        A slapd that was started since is told again: it may have read its files a moment too early.

        Raises:
            DirectoryUnavailable, DirectoryRefused: slapd runs and does not take it; call again.
        """
        self._write(revoked)
        socket = self._folder / "run" / "ldapi"
        pid = server_pid(socket)
        if pid is None or self._told == (revoked, pid):
            return False
        with open_session(ldapi_url(socket), timeout=_PATIENCE) as session:
            session.replace("cn=config", self._attributes())
        self._told = (revoked, pid)
        return True

    def _write(self, revoked: RevokedNow) -> None:
        account, is_new = account_for(self._folder), False
        contents = {revoked_file: revoked.crls, distrusted_file: revoked.authorities}
        for file, content in contents.items():
            target = file(self._tls)
            if not target.exists() or target.read_bytes() != content:
                replace_private(target, content, account)
                is_new = True
        if is_new:
            join_trusted(self._tls, account)

    def _attributes(self) -> dict[str, list[str]]:
        """What makes slapd read its TLS files again."""
        return {
            "olcTLSCRLFile": [str(revoked_file(self._tls))],
            "olcTLSCRLCheck": ["peer"],
            "olcTLSCACertificateFile": [str(trusted_file(self._tls))],
        }


class RevocationLists:
    """What every slapd of this machine heeds, the provider's and its replicas'.

    Args:
        folders: of all of them, asked for each time: servers come and go.
    """

    def __init__(self, folders: Callable[[], Iterable[Path]]) -> None:
        self._folders = folders
        self._lists: dict[Path, RevocationList] = {}

    def renew(self, revoked: RevokedNow) -> bool:
        """Have each of them heed this, as ``RevocationList.renew``. Whether any learned something."""
        lists = [self._lists.setdefault(each, RevocationList(each)) for each in self._folders()]
        told = [each.renew(revoked) for each in lists]
        return any(told)
