"""Replication in slapd's configuration: one provider, and replicas that follow it by syncrepl (RFC 4533).

* Every node carries syncprov, so that each can be followed, and promoted, without being made anew.
* A replica connects to its provider over TLS with its node certificate (SASL EXTERNAL), gets what there is
  and then each change as it happens (refreshAndPersist). It refuses writes: its database is a shadow.
* All node certificates, subject ``CN=<name>,O=Spine RA Directory Nodes``, map to one identity that reads
  everything and writes nothing, without limits of size and time.

There is one provider and one publisher, which writes one change at a time. With several writers, or several
writes in flight, slapd 2.5 loses entries on replicas when the provider is killed, and nothing in the
protocol's own state shows it; hence ``directory.node_comparing``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from directory.account import Account
from directory.node import Node
from directory.server_tls import TLS_1_2, write_private

NODE_CERTIFICATE_ORGANISATION = "Spine RA Directory Nodes"
"""The O of every node certificate's subject."""

_NODES = "cn=spine-ra-nodes"
NODE_IDENTITY = f"cn=node,{_NODES}"
"""Who a node is to its provider. No entry: a name outside the tree, so that no entry can be taken for it."""
_CONSUMER = f"cn=consumer,{_NODES}"
"""As whom a replica's slapd writes what it receives. Nobody can bind as it: it has no password."""

_SESSION_LOG_CHANGES = 100_000
"""How many changes a replica may miss and still be told of deletions one by one."""
ANSWER_TIMEOUT = 5
"""Seconds that a replica waits for its provider to answer, or to send the first change after the present."""
_REFRESH_FILE = "refresh"
_LONG_AGO = "19800101000000.000000Z#000000#{:03x}#000000"


@dataclass(frozen=True)
class FollowingTls:
    """PEM files with which a replica follows.

    Attributes:
        certificate: the node's certificate, with its chain.
        key: its key.
        provider_authority: the authority that signs the provider's server certificate.
    """

    certificate: Path
    key: Path
    provider_authority: Path

    @classmethod
    def copies_in(cls, folder: Path) -> FollowingTls:
        """Where ``copy_into`` puts them."""
        return cls(folder / "node.pem", folder / "node.key", folder / "provider-ca.pem")

    def copy_into(self, folder: Path, account: Account) -> None:
        """Copy the files to where slapd's user may read them, and nobody else."""
        copies = self.copies_in(folder)
        for source, target in (
            (self.certificate, copies.certificate),
            (self.key, copies.key),
            (self.provider_authority, copies.provider_authority),
        ):
            write_private(target, source.read_bytes(), account)


def identity_mapping() -> list[str]:
    """olcAuthzRegexp values: node certificates to the one identity; subjects that imitate it to nobody."""
    organisation = NODE_CERTIFICATE_ORGANISATION.lower()
    return [
        f'"^cn=[a-z0-9.-]+,o={organisation}$" "{NODE_IDENTITY}"',
        f'"^(.*,)?{_NODES}$" "cn=unmapped,cn=auth"',
    ]


def reader() -> str:
    """The nodes in a ``by`` clause."""
    return f'by dn.exact="{NODE_IDENTITY}" read'


def access() -> str:
    """The olcAccess value that comes first in a replicated database: nodes read all of it, and only read."""
    return f"to * {reader()} by * break"


def limits() -> str:
    """The olcLimits value that comes first in a replicated database."""
    return f'dn.exact="{NODE_IDENTITY}" size=unlimited time=unlimited'


def database_lines(node: Node, suffix: str, place: int, tls_folder: Path | None) -> list[str]:
    """What a replicated database's configuration entry has beyond that of one that stands alone.

    Args:
        place: the database's number among the replicated ones, from 1: the id of its replication.
        tls_folder: where the files of ``FollowingTls`` lie; None for a tool, which follows nobody.
    """
    lines = _writing_lines(node)
    if node.provider is None or tls_folder is None:
        return lines
    files = FollowingTls.copies_in(tls_folder)
    return [
        *lines,
        f"olcRootDN: {_CONSUMER}",
        f"olcSyncrepl: {_syncrepl(node.provider, suffix, place, files)}",
    ]


def _writing_lines(node: Node) -> list[str]:
    """How it writes. On the provider the publisher waits for the disk, and looks for room on it."""
    waits = node.durable and not node.is_provider
    lines = [] if waits else ["olcDbEnvFlags: nosync", "olcDbCheckpoint: 1024 1"]
    return [*lines, "olcDbEnvFlags: writemap"] if node.is_provider else lines


def _syncrepl(provider: str, suffix: str, place: int, files: FollowingTls) -> str:
    return " ".join(
        [
            f'{{0}}rid={place:03} provider={provider} searchbase="{suffix}" type=refreshAndPersist',
            "bindmethod=sasl saslmech=EXTERNAL",
            f'tls_cert="{files.certificate}" tls_key="{files.key}" tls_cacert="{files.provider_authority}"',
            f"tls_reqcert=demand tls_protocol_min={TLS_1_2}",
            # Every second for a minute, as for a provider that restarts; then every five seconds for ever.
            f'retry="1 60 5 +" timeout={ANSWER_TIMEOUT} network-timeout=5 keepalive=60:3:10',
            "sizelimit=unlimited timelimit=unlimited",
        ]
    )


def overlay(database: str) -> list[str]:
    """The configuration entry that lets others follow ``database``, e.g. ``{1}mdb``."""
    return [
        f"dn: olcOverlay={{0}}syncprov,olcDatabase={database},cn=config",
        "objectClass: olcOverlayConfig",
        "objectClass: olcSyncProvConfig",
        "olcOverlay: {0}syncprov",
        # How often the state that a restart begins from is written: changes, minutes.
        "olcSpCheckpoint: 100 1",
        f"olcSpSessionLog: {_SESSION_LOG_CHANGES}",
    ]


def ask_for_refresh(folder: Path, server_ids: Iterable[int]) -> None:
    """At its next start, let the replica in ``folder`` compare every entry with its provider's.

    The cure when a replica lacks a change that it will never be sent, because it has seen later ones, or
    holds what was deleted.

    Args:
        server_ids: whose changes it has (``directory.csn.state_of``).
    """
    (folder / _REFRESH_FILE).write_text(";".join(_LONG_AGO.format(each) for each in sorted(server_ids)))


def take_start_arguments(folder: Path, databases: int) -> list[str]:
    """slapd's arguments for this start: cookies (``-c``, slapd(8)) of a state of long ago when asked for.

    Without any state, as the manual has it, what is missing would come, but what is too much would stay: the
    provider tells which entries are still there only to somebody who has seen some before.
    """
    asked = folder / _REFRESH_FILE
    if not asked.exists():
        return []
    state = asked.read_text()
    asked.unlink()
    cookies = (f"rid={place:03},csn={state}" for place in range(1, databases + 1))
    return [argument for cookie in cookies for argument in ("-c", cookie)]
