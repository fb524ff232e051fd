"""The key ceremony's one reviewable file: which CAs, keys and validities will be made, and nothing else.

The file's SHA-256 is fixed in the ceremony's record, and with it the founding file whose digest it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from app.domain.certificate_profile import SUBJECT_ATTRIBUTES, KeyType
from app.domain.founding import founding_file_from_untrusted
from app.domain.toml_table import TomlTable
from app.errors import InvalidInput

SIGNING_KEY_TYPES = frozenset(KeyType)


@dataclass(frozen=True)
class AuthorityPlan:
    """A CA to be made. ``name`` is in the addresses of its CRL and certificate, and labels its key."""

    name: str
    subject: tuple[tuple[str, str], ...]
    key_type: KeyType
    validity: timedelta


@dataclass(frozen=True)
class CeremonyPlan:
    """What the ceremony will make.

    Attributes:
        digest: SHA-256 of the ceremony file, hexadecimal.
        root_crl_validity: how long the root's CRL holds; the root signs again only at a ceremony.
        founding_file: path of the founding file, relative to the ceremony file.
        founding_digest: SHA-256 that the founding file must have, hexadecimal.
    """

    digest: str
    root: AuthorityPlan
    root_crl_validity: timedelta
    issuing: tuple[AuthorityPlan, ...]
    ocsp_key_type: KeyType
    audit_seal_key_type: KeyType
    escrow_key_type: KeyType
    founding_file: str
    founding_digest: str


def plan_from_toml(content: bytes) -> CeremonyPlan:
    """Read the ceremony file.

    Raises:
        InvalidInput: naming the key that is unknown, missing or impossible.
    """
    table = TomlTable.parse("ceremony", content.decode("utf-8", errors="strict"))
    root, founding = table.take_table("root"), table.take_table("founding")
    root_crl_validity = timedelta(days=root.take_number("crl_validity_days"))
    plan = CeremonyPlan(
        digest=sha256(content).hexdigest(),
        root=authority_plan(root),
        root_crl_validity=root_crl_validity,
        issuing=tuple(authority_plan(each) for each in table.take_tables("issuing_ca")),
        ocsp_key_type=_only_key_type(table.take_table("ocsp_signers")),
        audit_seal_key_type=_only_key_type(table.take_table("audit_seal")),
        escrow_key_type=_only_key_type(table.take_table("so_pin_escrow")),
        founding_file=str(founding.take("file", str, "the path of the founding file")),
        founding_digest=str(founding.take("sha256", str, "the SHA-256 of the founding file")).lower(),
    )
    founding.require_empty()
    table.require_empty()
    _require_sound(plan, table)
    return plan


def founders_of(plan: CeremonyPlan, founding_file: bytes) -> tuple[str, ...]:
    """The names whose cards the founding may order, from the founding file that the plan pins.

    Raises:
        InvalidInput: the file is another one than was reviewed, or cannot be read.
    """
    digest = sha256(founding_file).hexdigest()
    if digest != plan.founding_digest:
        raise InvalidInput(
            {
                "founding.sha256": f"{plan.founding_file} has the SHA-256 {digest}, and the "
                f"ceremony file pins {plan.founding_digest}. Review the founding file, then pin its digest."
            }
        )
    people = [founder.registration for founder in founding_file_from_untrusted(founding_file).founders]
    return tuple(f"{person.given_name} {person.family_name}" for person in people)


def authority_plan(table: TomlTable) -> AuthorityPlan:
    """A CA to be made, from its table.

    Raises:
        InvalidInput: naming the key that is unknown, missing or impossible.
    """
    plan = AuthorityPlan(
        name=str(table.take("name", str, "a short name")),
        subject=table.take_pairs("subject", SUBJECT_ATTRIBUTES),
        key_type=_key_type(table),
        validity=timedelta(days=table.take_number("validity_days")),
    )
    table.require_empty()
    if not plan.name.replace("-", "").isalnum() or not plan.name.isascii() or not plan.name.islower():
        raise table.problem("name", "must be of lower-case letters, digits and hyphens: it is in addresses")
    return plan


def _key_type(table: TomlTable) -> KeyType:
    name = table.take("key_type", str, "a key type")
    if name not in SIGNING_KEY_TYPES:
        raise table.problem("key_type", f"must be one of {', '.join(sorted(KeyType))}")
    return KeyType(name)


def _only_key_type(table: TomlTable) -> KeyType:
    key_type = _key_type(table)
    table.require_empty()
    return key_type


def _require_sound(plan: CeremonyPlan, table: TomlTable) -> None:
    names = [plan.root.name, *(each.name for each in plan.issuing)]
    subjects = [plan.root.subject, *(each.subject for each in plan.issuing)]
    if len(set(names)) < len(names) or len(set(subjects)) < len(subjects):
        raise table.problem("issuing_ca", "must give each CA a name and a subject of its own")
    if any(each.validity > plan.root.validity for each in plan.issuing):
        raise table.problem("issuing_ca", "must not outlive the root")
    if not plan.audit_seal_key_type.startswith("EC-P256"):
        raise table.problem("audit_seal.key_type", "must be EC-P256: seals are signed with ECDSA and SHA-256")
    if not plan.escrow_key_type.startswith("RSA-"):
        raise table.problem("so_pin_escrow.key_type", "must be RSA: SO PINs are wrapped with RSA-OAEP")
