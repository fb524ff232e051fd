"""The private slapd's whole configuration, as one LDIF for ``slapadd -n0`` (slapd-config(5)).

It is written anew at each start, so that a new version of the product brings its schema and rules with it.
Only features of both slapd 2.5 and 2.6 are used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from directory import access_rules, replication
from directory.access_rules import AccessPolicy
from directory.names import CHANGELOG, SUFFIX
from directory.node import Node
from directory.server_tls import TLS_1_2, ServerTls, revoked_file, trusted_file

SYSTEM_SCHEMA_FOLDER = Path("/etc/ldap/schema")
SYSTEM_SCHEMAS = ("core", "cosine", "inetorgperson")
MODULE_FOLDER = Path("/usr/lib/ldap")

INDEXES = (
    "objectClass eq",
    "uid eq",
    "uniqueIdentifier eq",
    "nhsIDCode eq",
    "nhsMHSPartyKey eq",
    "nhsAsSvcIA eq",
    "nhsMhsSvcIA eq",
    "nhsAsClient eq",
    "cn eq,sub",
    "sn eq,sub",
    "o sub",
    "ou eq,sub",
    "postalCode eq,sub",
    "entryUUID eq",
    "entryCSN eq",
)
"""Nothing held by many people (activities, job roles, dates) may be indexed: such an index makes a role
check a hundred times dearer at national size, because its slots collapse to ranges that are walked entry by
entry.
"""

CHANGELOG_INDEXES = ("objectClass eq", "changenumber eq", "entryUUID eq", "entryCSN eq")

REPLICATED = (SUFFIX, CHANGELOG)
"""The databases that replicas follow; the place in this order is the id (rid) of their replication."""

MAXIMUM_DATABASE_BYTES = 32 << 30
"""The size of the memory map, not of the file: sparse until used. A full map refuses writes, deletes too."""
THREADS = 4
SOCKET_BITS = 1024
"""As how strong the Unix socket counts (slapd-config(5), olcLocalSSF)."""


@dataclass(frozen=True)
class SlapdFiles:
    """Where the configuration points to. All are absolute.

    Attributes:
        database: folder of the database in use.
        run: folder of the pid and argument files that slapd writes; nothing of ours trusts them.
        tls: None leaves out TLS (tools that open no port).
        changelog: folder of the change log's database; None leaves it out (tools that do not write it).
        node: whether changes are taken here or come from a provider.
    """

    database: Path
    run: Path
    tls: ServerTls | None = None
    changelog: Path | None = None
    node: Node = field(default_factory=Node)


def configuration_ldif(paths: SlapdFiles, policy: AccessPolicy) -> str:
    """The configuration as LDIF. The entries are separated by blank lines, parents first."""
    blocks = [
        _global(paths),
        _modules(),
        ["dn: cn=schema,cn=config", "objectClass: olcSchemaConfig", "cn: schema"],
        *([f"include: file://{SYSTEM_SCHEMA_FOLDER}/{name}.ldif"] for name in SYSTEM_SCHEMAS),
        *([schema] for schema in _our_schemas()),
        _frontend(),
        _config_database(policy),
        *_changelog_database(paths, policy),
        *_data_database(paths, policy),
        _monitor_database(policy),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _global(paths: SlapdFiles) -> list[str]:
    return [
        "dn: cn=config",
        "objectClass: olcGlobal",
        "cn: config",
        f"olcPidFile: {_quoted(paths.run / 'slapd.pid')}",
        f"olcArgsFile: {_quoted(paths.run / 'slapd.args')}",
        # For syslog, which would get what is printed a second time (directory.slapd_log).
        "olcLogLevel: 0",
        f"olcServerID: {paths.node.server_id}",
        f"olcThreads: {THREADS}",
        # With two, slapadd -w (2.5.13) corrupts its heap and aborts, one load of four (docs/directory.md).
        "olcToolThreads: 1",
        # Who may not write is refused before slapd looks for the entry, or the answer would tell whether it
        # is there. What tells the publisher then is how strong the connection is: no TLS counts so many bits.
        f"olcLocalSSF: {SOCKET_BITS}",
        f"olcSecurity: simple_bind=112 update_ssf={SOCKET_BITS}",
        # Leaves EXTERNAL of the mechanisms that Debian's SASL library would offer.
        "olcSaslSecProps: noanonymous,noplain,nodict",
        *_tls(paths.tls),
        *_numbered("olcAuthzRegexp", access_rules.identity_mapping()),
    ]


def _quoted(path: Path) -> str:
    """As one word: slapd splits these values at spaces."""
    return f'"{path}"'


def _tls(tls: ServerTls | None) -> list[str]:
    if tls is None:
        return []
    return [
        f"olcTLSCertificateFile: {_quoted(tls.certificate)}",
        f"olcTLSCertificateKeyFile: {_quoted(tls.key)}",
        f"olcTLSCACertificateFile: {_quoted(trusted_file(tls.certificate.parent))}",
        *_revocation(revoked_file(tls.certificate.parent)),
        f"olcTLSProtocolMin: {TLS_1_2}",
        # "try": no certificate is anonymous, a certificate of a wrong authority ends the handshake.
        "olcTLSVerifyClient: try",
    ]


def _revocation(revoked: Path) -> list[str]:
    """The first is for slapd with GnuTLS, the second for one with OpenSSL; each ignores the other's."""
    return [f"olcTLSCRLFile: {_quoted(revoked)}", "olcTLSCRLCheck: peer"] if revoked.exists() else []


def _modules() -> list[str]:
    return [
        "dn: cn=module{0},cn=config",
        "objectClass: olcModuleList",
        "cn: module{0}",
        f"olcModulePath: {MODULE_FOLDER}",
        "olcModuleLoad: back_mdb",
        "olcModuleLoad: syncprov",
        # Checks {SSHA512}, which systems' passwords are kept as.
        "olcModuleLoad: pw-sha2",
    ]


def _our_schemas() -> list[str]:
    folder = files("directory.schema")
    return [folder.joinpath(name).read_text(encoding="utf-8").rstrip() for name in ("nhs.ldif", "spine.ldif")]


def _frontend() -> list[str]:
    return [
        "dn: olcDatabase={-1}frontend,cn=config",
        "objectClass: olcDatabaseConfig",
        "objectClass: olcFrontendConfig",
        "olcDatabase: {-1}frontend",
        *_numbered("olcAccess", access_rules.frontend_access()),
        f"olcTimeLimit: {access_rules.TIME_LIMIT_SECONDS}",
    ]


def _config_database(policy: AccessPolicy) -> list[str]:
    return [
        "dn: olcDatabase={0}config,cn=config",
        "objectClass: olcDatabaseConfig",
        "olcDatabase: {0}config",
        *_numbered("olcAccess", access_rules.configuration_access(policy)),
    ]


def _changelog_database(paths: SlapdFiles, policy: AccessPolicy) -> Iterable[list[str]]:
    """A database of its own before that of ``o=nhs``: rebuilding one leaves the other, and a search of the
    whole tree does not enter it.
    """
    if paths.changelog is not None:
        yield [
            *_mdb(CHANGELOG, paths.changelog, 1),
            *(f"olcDbIndex: {index}" for index in CHANGELOG_INDEXES),
            *_numbered("olcAccess", access_rules.changelog_access(policy)),
            *_numbered("olcLimits", access_rules.limits(policy)),
            *_replicated(paths, CHANGELOG),
        ]
        yield replication.overlay("{1}mdb")


def _mdb(suffix: str, folder: Path, place: int) -> list[str]:
    return [
        f"dn: olcDatabase={{{place}}}mdb,cn=config",
        "objectClass: olcDatabaseConfig",
        "objectClass: olcMdbConfig",
        f"olcDatabase: {{{place}}}mdb",
        f"olcSuffix: {suffix}",
        f"olcDbDirectory: {_quoted(folder)}",
        f"olcDbMaxSize: {MAXIMUM_DATABASE_BYTES}",
    ]


def _replicated(paths: SlapdFiles, suffix: str) -> list[str]:
    tls = paths.tls.certificate.parent if paths.tls else None
    return replication.database_lines(paths.node, suffix, REPLICATED.index(suffix) + 1, tls)


def _data_database(paths: SlapdFiles, policy: AccessPolicy) -> Iterable[list[str]]:
    place = 1 if paths.changelog is None else 2
    yield [
        *_mdb(SUFFIX, paths.database, place),
        *(f"olcDbIndex: {index}" for index in INDEXES),
        *_numbered("olcAccess", access_rules.data_access(policy)),
        *_numbered("olcLimits", access_rules.limits(policy)),
        *_replicated(paths, SUFFIX),
    ]
    yield replication.overlay(f"{{{place}}}mdb")


def _monitor_database(policy: AccessPolicy) -> list[str]:
    return [
        "dn: olcDatabase=monitor,cn=config",
        "objectClass: olcDatabaseConfig",
        "objectClass: olcMonitorConfig",
        "olcDatabase: monitor",
        *_numbered("olcAccess", access_rules.monitor_access(policy)),
    ]


def _numbered(attribute: str, values: Iterable[str]) -> list[str]:
    """Ordered values, as cn=config writes them: each with its place in braces."""
    return [f"{attribute}: {{{place}}}{value}" for place, value in enumerate(values)]
