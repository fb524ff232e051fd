"""Finding objects in a token, and naming them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import AttributeTypeInvalid
from pkcs11.types import Object


def search_template(
    kind: ObjectClass, cka_id: bytes | None, label: str | None
) -> Iterator[tuple[Attribute, Any]]:
    """What an object must have: its class, and its CKA_ID and label as far as given."""
    yield Attribute.CLASS, kind
    if cka_id is not None:
        yield Attribute.ID, cka_id
    if label is not None:
        yield Attribute.LABEL, label


def always_authenticate(private: Object) -> bool:
    """CKA_ALWAYS_AUTHENTICATE (PKCS #11 v2.40, 4.9); modules that do not know it have no such keys."""
    try:
        return bool(private[Attribute.ALWAYS_AUTHENTICATE])
    except (AttributeTypeInvalid, NotImplementedError):
        return False


def name_of(found: Object) -> str:
    """``<class> <CKA_ID in hexadecimal>``; the class alone for an object without CKA_ID."""
    try:
        cka_id = bytes(found[Attribute.ID]).hex()
    except (AttributeTypeInvalid, NotImplementedError):
        cka_id = ""
    kind = found[Attribute.CLASS]
    return f"{kind.name.lower() if isinstance(kind, ObjectClass) else 'object'} {cka_id}".strip()
