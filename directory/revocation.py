"""Revoked certificates of systems: slapd heeds the CRL of their authority, and a new one without a restart.

slapd reads its TLS files only when it starts and when a TLS attribute of ``cn=config`` is set again, so a new
CRL is written and then ``olcTLSCACertificateFile`` set to what it was. A slapd with GnuTLS (Debian 12) takes
the CRL from ``olcTLSCRLFile``; one with OpenSSL (Debian 13) ignores that attribute, takes CRLs from the file
of authorities and looks into them when ``olcTLSCRLCheck`` says so. Both are served.

When the CRL is past its next update, OpenSSL refuses every certificate of its authority, GnuTLS only those
that it names: the worker must not stand still for two days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from directory.account import account_for
from directory.connection import open_session
from directory.replication import ANSWER_TIMEOUT
from directory.server_tls import join_trusted, replace_private, revoked_file, trusted_file
from directory.unix_socket import ldapi_url, server_pid

_PATIENCE = 3 * ANSWER_TIMEOUT
"""Seconds. slapd changes its configuration when none of its threads works, and one of a replica that has just
begun to follow waits for its provider.
"""


class RevocationList:
    """The CRL that the slapd of a folder heeds.

    Args:
        folder: the directory's folder, as ``Slapd`` has it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._tls = self._folder / "tls"
        self._told: tuple[bytes, int] | None = None

    def renew(self, crl: bytes) -> bool:
        """Have slapd heed this CRL (PEM), at once or from its next start. Whether it was told something new.

        A slapd that was started since is told again: it may have read its files a moment too early.

        Raises:
            DirectoryUnavailable, DirectoryRefused: slapd runs and does not take it; call again.
        """
        self._write(crl)
        socket = self._folder / "run" / "ldapi"
        pid = server_pid(socket)
        if pid is None or self._told == (crl, pid):
            return False
        with open_session(ldapi_url(socket), timeout=_PATIENCE) as session:
            session.replace("cn=config", self._attributes())
        self._told = (crl, pid)
        return True

    def _write(self, crl: bytes) -> None:
        revoked, account = revoked_file(self._tls), account_for(self._folder)
        if not revoked.exists() or revoked.read_bytes() != crl:
            replace_private(revoked, crl, account)
            join_trusted(self._tls, account)

    def _attributes(self) -> dict[str, list[str]]:
        """What makes slapd read its TLS files again."""
        return {
            "olcTLSCRLFile": [str(revoked_file(self._tls))],
            "olcTLSCRLCheck": ["peer"],
            "olcTLSCACertificateFile": [str(trusted_file(self._tls))],
        }


class RevocationLists:
    """The CRL that every slapd of this machine heeds, the provider's and its replicas'.

    Args:
        folders: of all of them, asked for each time: servers come and go.
    """

    def __init__(self, folders: Callable[[], Iterable[Path]]) -> None:
        self._folders = folders
        self._lists: dict[Path, RevocationList] = {}

    def renew(self, crl: bytes) -> bool:
        """Have each of them heed this CRL, as ``RevocationList.renew``. Whether any learned something."""
        lists = [self._lists.setdefault(each, RevocationList(each)) for each in self._folders()]
        told = [each.renew(crl) for each in lists]
        return any(told)
