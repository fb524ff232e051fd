"""Certificate profiles: what a certificate for a purpose holds, as data that is checked at start.

The file is ``config/certificate_profiles.toml``. A profile names its issuing CA, subject, key types,
validity, key usage, extended key usage and policies; addresses for status come from the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from app.domain.certificate_order import CertificatePurpose
from app.domain.renewal import RenewalRules
from app.domain.toml_table import TomlTable


class KeyType(StrEnum):
    """A key algorithm with its size."""

    EC_P256 = "EC-P256"
    EC_P384 = "EC-P384"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"
    ED25519 = "Ed25519"


CARD_KEY_TYPES = frozenset(KeyType) - {KeyType.ED25519}
"""What people's cards and systems may hold: few cards and relying parties know Ed25519 (RFC 8410) yet."""

KEY_USAGES = frozenset({"digitalSignature", "contentCommitment", "keyEncipherment", "keyCertSign", "cRLSign"})
"""The key usage bits that a profile may set, by their names in RFC 5280 section 4.2.1.3."""

EXTENDED_KEY_USAGES = {"clientAuth": "1.3.6.1.5.5.7.3.2", "OCSPSigning": "1.3.6.1.5.5.7.3.9"}
"""The extended key usages that a profile may set (RFC 5280 section 4.2.1.12), with their identifiers."""

PEOPLE = (CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT)
"""The two certificates of a card."""

SUBJECT_ATTRIBUTES = frozenset({"C", "O", "OU", "CN"})


@dataclass(frozen=True)
class CertificateProfile:
    """What a certificate for one purpose holds.

    Attributes:
        purpose: what it is for.
        issuing_ca: name of the CA that issues it, as in the ceremony file.
        former_issuing_cas: names of those that issued it before; what they issued is believed until it ends.
        subject: attribute types and values from the most general; values may name ``{uid}``,
            ``{given_name}``, ``{family_name}``, ``{asid}`` and ``{issuing_ca}``.
        key_types: public keys it may hold.
        validity: from not before to not after.
        key_usage: the bits set; always critical.
        extended_key_usage: names of ``EXTENDED_KEY_USAGES``; none gives no extension.
        policies: certificate policy identifiers, dotted.
        temporary_longest: the longest validity on a temporary access card; zero when there are none.
        levelling: by how much at most the end is moved forward (``app.domain.renewal``).
    """

    purpose: CertificatePurpose
    issuing_ca: str
    subject: tuple[tuple[str, str], ...]
    key_types: frozenset[KeyType]
    validity: timedelta
    key_usage: frozenset[str]
    extended_key_usage: tuple[str, ...]
    policies: tuple[str, ...]
    temporary_longest: timedelta = timedelta(0)
    levelling: timedelta = timedelta(0)
    former_issuing_cas: tuple[str, ...] = ()

    @property
    def issuing_cas(self) -> tuple[str, ...]:
        """The names of all whose certificates may be in force, the one that issues now first."""
        return (self.issuing_ca, *self.former_issuing_cas)

    def may_last(self, length: timedelta) -> bool:
        """Whether a certificate of this profile may be valid for so long."""
        is_regular = self.validity - self.levelling <= length <= self.validity
        return is_regular or timedelta(0) < length <= self.temporary_longest


@dataclass(frozen=True)
class CertificateRules:
    """All profiles, and how long status information lives.

    Attributes:
        profiles: one for each purpose.
        backdate: how long before the present a certificate begins, so that a slow clock accepts it.
        crl_validity: from this update to next update.
        crl_renewal: age at which a CRL is made anew though nothing was revoked.
        delta_crl_validity: from this update to next update of a delta CRL; made anew at half of it.
        ocsp_validity: from this update to next update of an OCSP answer.
        ocsp_signer_renewal: how long before its end an OCSP responder gets a new key and certificate.
        approval_age: age at which the operator's signed approval is no longer taken.
        renewal: from when, and how often, cards may be renewed, and whether their ends are levelled.
        whole_lint_one_in: of how many documents that pass by a linted template one is linted whole besides.
    """

    profiles: Mapping[CertificatePurpose, CertificateProfile]
    backdate: timedelta
    crl_validity: timedelta
    crl_renewal: timedelta
    delta_crl_validity: timedelta
    ocsp_validity: timedelta
    ocsp_signer_renewal: timedelta
    approval_age: timedelta
    renewal: RenewalRules
    whole_lint_one_in: int


def rules_from_toml(text: str) -> CertificateRules:
    """Read the profiles file.

    Raises:
        InvalidInput: naming the key that is unknown, missing or impossible.
    """
    table = TomlTable.parse("certificate profiles", text)
    profiles, renewal = _profiles(table.take_table("profiles")), _renewal(table.take_table("renewal"))
    levelled = {each: replace(profiles[each], levelling=renewal.levelling) for each in PEOPLE}
    rules = CertificateRules(
        profiles={**profiles, **levelled},
        backdate=timedelta(minutes=table.take_number("backdate_minutes")),
        crl_validity=timedelta(hours=table.take_number("crl_validity_hours")),
        crl_renewal=timedelta(hours=table.take_number("crl_renewal_hours")),
        delta_crl_validity=timedelta(hours=table.take_number("delta_crl_validity_hours")),
        ocsp_validity=timedelta(minutes=table.take_number("ocsp_validity_minutes")),
        ocsp_signer_renewal=timedelta(days=table.take_number("ocsp_signer_renewal_days")),
        approval_age=timedelta(hours=table.take_number("approval_age_hours")),
        renewal=renewal,
        whole_lint_one_in=table.take_number("whole_lint_one_in"),
    )
    table.require_empty()
    if rules.crl_renewal >= rules.crl_validity:
        raise table.problem("crl_renewal_hours", "must be less than crl_validity_hours")
    _require_levelling_leaves_something(rules, table)
    return rules


def _renewal(table: TomlTable) -> RenewalRules:
    levelling = table.take("levelling_days", int, "a whole number of days; 0 turns levelling off")
    if levelling < 0:
        raise table.problem("levelling_days", "must be a whole number of days; 0 turns levelling off")
    rules = RenewalRules(
        opens_before=timedelta(days=table.take_number("opens_days_before")),
        by_holder_in_a_row=table.take_number("by_holder_in_a_row"),
        levelling=timedelta(days=levelling),
    )
    table.require_empty()
    return rules


def _require_levelling_leaves_something(rules: CertificateRules, table: TomlTable) -> None:
    """A card must not be due for renewal on the day on which it is issued."""
    shortest = min(rules.profiles[purpose].validity for purpose in PEOPLE)
    if rules.renewal.levelling + rules.renewal.opens_before >= shortest:
        raise table.problem(
            "renewal", "must leave a card's certificates some time before they can be renewed again"
        )


def _profiles(table: TomlTable) -> dict[CertificatePurpose, CertificateProfile]:
    profiles = {purpose: _profile(purpose, table.take_table(purpose)) for purpose in CertificatePurpose}
    table.require_empty()
    return profiles


def _profile(purpose: CertificatePurpose, table: TomlTable) -> CertificateProfile:
    profile = CertificateProfile(
        purpose=purpose,
        issuing_ca=table.take("issuing_ca", str, "the name of a CA"),
        subject=table.take_pairs("subject", SUBJECT_ATTRIBUTES),
        key_types=frozenset(KeyType(name) for name in table.take_words("key_types", _key_types(purpose))),
        validity=timedelta(days=table.take_number("validity_days")),
        key_usage=frozenset(table.take_words("key_usage", KEY_USAGES)),
        extended_key_usage=table.take_words("extended_key_usage", frozenset(EXTENDED_KEY_USAGES)),
        policies=table.take_words("policies"),
        temporary_longest=_temporary_longest(purpose, table),
        former_issuing_cas=_former_issuing_cas(purpose, table),
    )
    table.require_empty()
    _require_possible(profile, table)
    return profile


def _temporary_longest(purpose: CertificatePurpose, table: TomlTable) -> timedelta:
    if purpose not in PEOPLE:
        return timedelta(0)
    return timedelta(hours=table.take_number("temporary_longest_hours"))


def _former_issuing_cas(purpose: CertificatePurpose, table: TomlTable) -> tuple[str, ...]:
    return () if purpose is CertificatePurpose.OCSP_SIGNER else table.take_words("former_issuing_cas")


def _key_types(purpose: CertificatePurpose) -> frozenset[KeyType]:
    return frozenset(KeyType) if purpose is CertificatePurpose.OCSP_SIGNER else CARD_KEY_TYPES


def _require_possible(profile: CertificateProfile, table: TomlTable) -> None:
    if len(set(profile.issuing_cas)) < len(profile.issuing_cas):
        raise table.problem("former_issuing_cas", "must name other CAs than issuing_ca, each once")
    if not profile.key_types:
        raise table.problem("key_types", "must name at least one key type")
    if not profile.subject:
        raise table.problem("subject", "must name at least one attribute")
    if not profile.key_usage or profile.key_usage & {"keyCertSign", "cRLSign"}:
        raise table.problem("key_usage", "must name usages of an end entity, not of a CA")
    mixed = "contentCommitment" in profile.key_usage and len(profile.key_usage) > 1
    if profile.purpose is CertificatePurpose.CONTENT_COMMITMENT and (
        mixed or profile.key_usage != {"contentCommitment"} or profile.extended_key_usage
    ):
        raise table.problem(
            "key_usage", "must be contentCommitment alone: no sign-in may pass for a signature"
        )
