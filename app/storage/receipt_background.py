"""What the registration authority's database tells a certificate's receipt; documents as digests only."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import Connection, bindparam, select

from app.domain.audit_chain import instant_text
from app.domain.evidence import Evidence
from app.domain.json_value import JsonValue, canonical_json
from app.storage.people import People
from app.storage.prepared import Prepared
from app.storage.tables.cards import card_issuance
from app.storage.tables.people import person
from app.storage.tables.systems import accredited_system

_PROVENANCE = select(card_issuance.c.provenance).where(card_issuance.c.id == bindparam("id"))
_REGISTERED = Prepared(
    select(
        person.c.registered_by, person.c.registered_at, _PROVENANCE.scalar_subquery().label("provenance")
    ).where(person.c.uid == bindparam("uid"))
)


def background_of_card(connection: Connection, issuance_id: str, holder_uid: str) -> dict[str, JsonValue]:
    """Who registered the holder, when and on what evidence, and where the card's keys came from."""
    row = _REGISTERED.first(connection, {"uid": holder_uid, "id": issuance_id})
    return {
        "registered_by": row.registered_by if row else "",
        "registered_at": instant_text(row.registered_at) if row else "",
        "evidence": [_digest(each) for each in People(connection).evidence(holder_uid)],
        "provenance": (row.provenance if row else None) or {},
    }


def background_of_system(connection: Connection, asid: str) -> dict[str, JsonValue]:
    """Who asked for the system and who approved it."""
    chosen = select(accredited_system).where(accredited_system.c.asid == asid)
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return {}
    return {"requested_by": row.requested_by, "approved_by": row.approved_by}


def _digest(seen: Evidence) -> dict[str, JsonValue]:
    """The kind of document, and the SHA-256 of all that was noted of it: its number stays in the database."""
    noted: dict[str, JsonValue] = {
        "kind": seen.kind.value,
        "number": seen.number,
        "issued_on": seen.issued_on.isoformat() if seen.issued_on else "",
        "expires_on": seen.expires_on.isoformat() if seen.expires_on else "",
    }
    return {"kind": seen.kind.value, "sha256": sha256(canonical_json(noted)).hexdigest()}
