"""Identifiers and distinguished names of the tree ``o=nhs``.

Values that become part of a DN are checked against the form of their kind, so that no value can change the
meaning of a DN; values in filters are escaped (RFC 4515). Both, because either alone has been forgotten
before.
"""

from __future__ import annotations

import re

from directory.errors import InvalidIdentifier

SUFFIX = "o=nhs"
PEOPLE = f"ou=People,{SUFFIX}"
ORGANISATIONS = f"ou=Organisations,{SUFFIX}"
SERVICES = f"ou=Services,{SUFFIX}"
REFERENCE_DATA = f"ou=ReferenceData,{SUFFIX}"
JOB_ROLES = f"ou=Job Roles,{REFERENCE_DATA}"
ACTIVITIES = f"ou=Activities,{REFERENCE_DATA}"
AREAS_OF_WORK = f"ou=Areas of Work,{REFERENCE_DATA}"
BASELINES = f"ou=Baselines,{REFERENCE_DATA}"
WORK_GROUPS = f"ou=Work Groups,{REFERENCE_DATA}"
WORK_GROUP_TYPES = f"ou=Work Group Types,{REFERENCE_DATA}"
TYPES = f"ou=Types,{REFERENCE_DATA}"
"""Lists of codes: nhsOrgTypeCode with its meaning."""
CHANGELOG = f"cn=Changelog,{SUFFIX}"
FOLLOWERS = f"cn=Followers,{SUFFIX}"
"""The list of systems that may follow changes; slapd alone reads it, to know their limits."""

_NOT_HARMLESS = re.compile(r"[^A-Za-z0-9._-]")
_MEANS_SOMETHING = re.compile(r"[\x00()*\\]")
_INTERACTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/+-]{0,254}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RIGHT = re.compile(f"{_CODE.pattern}:{_CODE.pattern}")


def twelve_digits(value: str, kind: str) -> str:
    """Return ``value`` when it is 12 digits: a uid, org-person id, role profile id or ASID.

    Raises:
        InvalidIdentifier: it is not; ``kind`` names it in the message.
    """
    if not (len(value) == 12 and value.isascii() and value.isdigit()):
        raise InvalidIdentifier(f"A {kind} has 12 digits; {value!r} has not.")
    return value


def code(value: str, kind: str) -> str:
    """Return ``value`` when it is a code of letters, digits, dots and dashes: an ODS code, an activity, an
    MHS id.

    Raises:
        InvalidIdentifier: it is not; ``kind`` names it in the message.
    """
    if not _CODE.fullmatch(value):
        raise InvalidIdentifier(f"A {kind} consists of letters and digits; {value!r} does not.")
    return value


def right(organisation: str, activity: str) -> str:
    """Both as one value of ``spineAccess``: ``A81001:B0264``.

    Raises:
        InvalidIdentifier: one of them is no code.
    """
    value = f"{organisation}:{activity}"
    # A colon is in no code. Tested together, since a service asks this thousands of times a second.
    if not _RIGHT.fullmatch(value):
        return f"{code(organisation, 'organisation code')}:{code(activity, 'activity code')}"
    return value


def interaction(value: str) -> str:
    """Return ``value`` when it is a service-qualified interaction id, ``urn:nhs:names:services:…``.

    Raises:
        InvalidIdentifier: it is not.
    """
    if not _INTERACTION.fullmatch(value):
        raise InvalidIdentifier(f"An interaction id is a URN without spaces; {value!r} is not.")
    return value


def child_dn(attribute: str, value: str, parent: str) -> str:
    """The DN of an entry named by one attribute below ``parent``, with the value escaped."""
    return f"{attribute}={_escaped(value)},{parent}"


def _escaped(value: str) -> str:
    """A value for a DN: everything that is not plainly harmless as hex pairs (RFC 4514 section 2.4)."""
    return _NOT_HARMLESS.sub(lambda found: "".join(f"\\{byte:02X}" for byte in found[0].encode()), value)


def numbered_child_dn(identifier: str, kind: str, parent: str) -> str:
    """The DN of an entry named by an id of 12 digits below ``parent``.

    Raises:
        InvalidIdentifier: it has not 12 digits; ``kind`` names it in the message.
    """
    return f"uniqueIdentifier={twelve_digits(identifier, kind)},{parent}"


def person_dn(uid: str) -> str:
    """The DN of a person, e.g. ``uid=555000000017,ou=People,o=nhs``."""
    return f"uid={twelve_digits(uid, 'user id')},{PEOPLE}"  # digits need no escape


def org_person_dn(uid: str, org_person_id: str) -> str:
    """The DN of a person's place in one organisation."""
    return numbered_child_dn(org_person_id, "org-person id", person_dn(uid))


def role_dn(uid: str, org_person_id: str, role_profile_id: str) -> str:
    """The DN of a role profile, three levels below ``ou=People``."""
    return numbered_child_dn(role_profile_id, "role profile id", org_person_dn(uid, org_person_id))


def organisation_dn(organisation_code: str) -> str:
    """The DN of an organisation, named by its ODS code."""
    return child_dn("uniqueIdentifier", code(organisation_code, "organisation code"), ORGANISATIONS)


def site_dn(site_code: str, organisation_code: str) -> str:
    """The DN of a site below the organisation whose place it is."""
    return child_dn("uniqueIdentifier", code(site_code, "site code"), organisation_dn(organisation_code))


def service_dn(identifier: str) -> str:
    """The DN of an accredited system (its ASID) or a message handling system (its MHS id)."""
    return child_dn("uniqueIdentifier", code(identifier, "system id"), SERVICES)


def change_dn(number: int) -> str:
    """The DN of an entry of the change log."""
    return child_dn("changenumber", str(number), CHANGELOG)


def filter_value(value: str) -> str:
    """``value`` escaped for use as an assertion value inside a search filter (RFC 4515 section 3)."""
    return _MEANS_SOMETHING.sub(lambda found: f"\\{ord(found[0]):02x}", value)
