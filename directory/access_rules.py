"""Who may see and do what in the tree, as slapd's access, limit and identity-mapping rules (slapd.access(5)).

* anonymous: rootDSE and subschema; look-up of message handling systems when the policy allows it;
* an accredited system, known by a certificate that maps to its standing nhsAs entry, or by its DN and a
  password over TLS: reads what the entry's
  spineReads says. ``endpoints``: organisations, systems, reference data. ``people``: people and roles.
  ``professional-numbers``: those too. ``changes``: the change log, and everything without a limit of size;
* any other certificate, or one whose entry is gone: nothing, not even what anonymous may;
* another server of the directory, known by its node certificate: reads everything (``replication``);
* the publisher, known by its Unix user on the ldapi socket: writes everything and reads the configuration.

Rules that measurement and attack taught, not to be "simplified":

* A system is recognised by ``set="user/spineReads & [people]"``, never by where its DN stands: a
  certificate's raw subject could be made to look like a DN below ``ou=Services``, and the entry of a
  withdrawn system is gone while its connection is still open. The set is evaluated for each operation, so
  both get nothing.
* Never ``dn.regex``: it makes a role check up to nine times dearer. Nor any other: slapd compiles a regular
  expression anew for each attribute that it looks at, also when it is the publisher who writes.
* Certificates have the subject ``CN=<ASID>,O=Spine RA Systems``, a tree that is not the DIT, and are mapped
  by a search; every other subject, whatever it imitates, is mapped to nobody.
* Writing is for the Unix socket alone (``olcSecurity``, ``directory.configuration``), whatever the rules here
  would give: slapd looks for an entry before it asks them, so that a refused write would tell whether it is
  there.
* No sssvlv, no unique overlay on anything secret: sorting and uniqueness errors leak values that may not be
  read.
"""

from __future__ import annotations

from dataclasses import dataclass

from directory import replication
from directory.names import FOLLOWERS, ORGANISATIONS, PEOPLE, SERVICES, SUFFIX

SYSTEM_CERTIFICATE_ORGANISATION = "Spine RA Systems"
"""The O of every system certificate's subject."""

READS_ENDPOINTS = "endpoints"
READS_PEOPLE = "people"
READS_PROFESSIONAL_NUMBERS = "professional-numbers"
READS_CHANGES = "changes"

ANONYMOUS_SIZE_LIMIT = 20
PEOPLE_SIZE_LIMIT = 200
"""Of a search of all people: enough to find somebody, too little to collect them."""
SYSTEM_SIZE_LIMIT = 500
SYSTEM_UNINDEXED_LIMIT = 100_000
"""A search whose candidates exceed this is refused (adminLimitExceeded) before slapd reads one of them."""
ANONYMOUS_TIME_LIMIT_SECONDS = 2
TIME_LIMIT_SECONDS = 5

PROFESSIONAL_NUMBERS = (
    "nhsGMC", "nhsGMP", "nhsGDC", "nhsGDP", "nhsNMC", "nhsRCN", "nhsRPSGB", "nhsConsultant", "nhsOCSPRCode",
    "nhsGNC",
)  # fmt: skip
NEVER_READ = "nhsPuSecret,nhsTelUID"
NAMES_OF_APPROVERS = "nhsRequestorURP,nhsApproverURP,nhsDNSApprover"
OF_THE_CLIENT_ALONE = "spineReads"


@dataclass(frozen=True)
class AccessPolicy:
    """What an operator may choose about access.

    Attributes:
        publisher_uid, publisher_gid: the Unix user that may write through the ldapi socket.
        publisher_url: that socket's URL, as slapd is told to listen on.
        anonymous_endpoint_lookup: whether message handling systems may be looked up without a certificate.
    """

    publisher_uid: int
    publisher_gid: int
    publisher_url: str
    anonymous_endpoint_lookup: bool = True

    @property
    def publisher_dn(self) -> str:
        """The identity that slapd gives the publisher on the Unix socket (SO_PEERCRED)."""
        return (
            f"gidNumber={self.publisher_gid}+uidNumber={self.publisher_uid},cn=peercred,cn=external,cn=auth"
        )

    @property
    def publisher(self) -> str:
        """The publisher in a ``by`` clause: on the Unix socket only, whatever a subject imitates."""
        return f'dn.exact="{self.publisher_dn}" sockurl.exact="{self.publisher_url}"'


def identity_mapping() -> list[str]:
    """olcAuthzRegexp values: a system certificate to its standing entry; everything else to nobody.

    The first rule takes exactly our subject form; it is anchored and the ASID is digits only, so nothing
    can be smuggled into the search. The others turn subjects that imitate the DIT or a SASL name into
    nobody; the publisher's own identity (cn=auth) matches none of them.
    """
    organisation = SYSTEM_CERTIFICATE_ORGANISATION.lower()
    search = f"ldap:///{SERVICES}??one?(&(uniqueIdentifier=$1)(objectClass=nhsAs))"
    return [
        f'"^cn=([0-9]{{12}}),o={organisation}$" "{search}"',
        *replication.identity_mapping(),
        '"^(.*,)?(o=nhs|cn=config|cn=monitor)$" "cn=unmapped,cn=auth"',
        '"^uid=.*$" "cn=unmapped,cn=auth"',
    ]


def data_access(policy: AccessPolicy) -> list[str]:
    """olcAccess values of the database, in order: the first rule whose target matches decides."""
    writer = f"by {policy.publisher} write"
    reader, of_people = _read_by(READS_ENDPOINTS), _read_by(READS_PEOPLE)
    look_up = "by anonymous read" if policy.anonymous_endpoint_lookup else ""
    # A certificate is mapped to its entry by a search of somebody not yet known: it needs "auth", no more.
    mapping = f'to dn.subtree="{SERVICES}" attrs=entry,uniqueIdentifier,objectClass'
    numbers = f'to dn.subtree="{PEOPLE}" attrs={",".join(PROFESSIONAL_NUMBERS)}'
    rules = [
        # What a role check asks for comes first: each rule before it is looked at for each check.
        f'to dn.children="{PEOPLE}" attrs=spineAccess {of_people} {replication.reader()} {writer} by * none',
        replication.access(),
        f'to dn.subtree="{SERVICES}" attrs=userPassword {writer} by anonymous auth by * none',
        f'to dn.subtree="{SUFFIX}" attrs=userPassword,{NEVER_READ} {writer} by * none',
        f'to dn.base="{SUFFIX}" {writer} {reader} by anonymous search by * none',
        f"{numbers} {writer} {_read_by(READS_PROFESSIONAL_NUMBERS)} by * none",
        f'to dn.subtree="{PEOPLE}" {writer} {of_people} by * none',
        f'to dn.subtree="{ORGANISATIONS}" {writer} {reader} by * none',
        f'to dn.subtree="{SERVICES}" attrs={OF_THE_CLIENT_ALONE} {writer} by self read by * none',
        f'to dn.subtree="{SERVICES}" attrs={NAMES_OF_APPROVERS} {writer} {reader} by * none',
        f'to dn.subtree="{SERVICES}" filter=(objectClass=nhsMhs) {writer} {reader} {look_up} by * none',
        # Where look-ups are off they are refused, not answered with nothing: "auth" is for the mapping.
        f'to dn.base="{SERVICES}" {writer} {reader} by anonymous {"search" if look_up else "auth"} by * none',
        f"{mapping} {writer} {reader} by anonymous auth by * none",
        f'to dn.base="{FOLLOWERS}" {writer} by * none',
        f"to * {writer} {reader} by * none",
    ]
    return [" ".join(rule.split()) for rule in rules]


def changelog_access(policy: AccessPolicy) -> list[str]:
    """olcAccess values of the change log, which holds values of every attribute: for followers alone."""
    followers = _read_by(READS_CHANGES)
    return [replication.access(), f"to * by {policy.publisher} write {followers} by * none"]


def _read_by(right: str) -> str:
    """The systems whose own entry says at this moment that they may read this."""
    return f'by set="user/spineReads & [{right}]" read'


def frontend_access() -> list[str]:
    """olcAccess values of what belongs to no database. Clients read both before they bind."""
    return ['to dn.base="" by * read', 'to dn.base="cn=subschema" by * read', "to * by * none"]


def configuration_access(policy: AccessPolicy) -> list[str]:
    """olcAccess values of ``cn=config``: the publisher alone."""
    return [f"to * by {policy.publisher} manage by * none"]


def monitor_access(policy: AccessPolicy) -> list[str]:
    """olcAccess values of ``cn=monitor``: the publisher alone."""
    return [f"to * by {policy.publisher} read by * none"]


def limits(policy: AccessPolicy) -> list[str]:
    """olcLimits values, by who asks and what for: the first that matches decides (slapd.conf(5), limits).

    Whole-branch searches are refused, as real clients expect, paged or not. Followers keep a copy, so they
    alone read everything. A search below one person is matched before slapd looks into the list of
    followers: role checks do not pay for it.
    """
    followers = f'group/organizationalRole/roleOccupant="{FOLLOWERS}"'
    return [
        replication.limits(),
        f'dn.exact="{policy.publisher_dn}" size=unlimited time=unlimited',
        f"anonymous {_at_most(ANONYMOUS_SIZE_LIMIT, ANONYMOUS_TIME_LIMIT_SECONDS)}",
        f'dn.this.children="{PEOPLE}" {_at_most(PEOPLE_SIZE_LIMIT, TIME_LIMIT_SECONDS)}',
        f"{followers} size=unlimited time=unlimited",
        f'dn.this.base="{PEOPLE}" {_at_most(PEOPLE_SIZE_LIMIT, TIME_LIMIT_SECONDS)}',
        f"* {_at_most(SYSTEM_SIZE_LIMIT, TIME_LIMIT_SECONDS)}",
    ]


def _at_most(entries: int, seconds: int) -> str:
    """Limits of one search; pages do not add up to more, and few candidates are looked through."""
    size = f"size.soft={entries} size.hard={entries} size.prtotal={entries}"
    return f"{size} size.unchecked={SYSTEM_UNINDEXED_LIMIT} time={seconds}"
