"""The receipt of certificates: why they were issued, in one document that anyone can verify years later.

A receipt is canonical JSON: ``receipt`` (order, requests, approval with its signers' certificates, what the
registration authority had on record, lint report, certificates and their chain) and ``signature`` by the key
that seals the audit. It verifies offline, with the public files of the key ceremony.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.certificate_order import FoundingApproval, OrderApproval, SignedApproval
from app.domain.json_value import JsonValue, canonical_json
from app.errors import Refusal

RECEIPT_TYPE = "spine-ra/certificate-receipt/1"
MAXIMUM_RECEIPT_BYTES = 256 * 1024


class ReceiptUnreadable(Refusal):
    """The document is no receipt."""

    code = "receipt_unreadable"


@dataclass(frozen=True)
class Receipt:
    """A receipt that was read; nothing in it is verified yet.

    Attributes:
        facts: what was signed, as JSON values.
        signed: the octets that the signature covers.
        is_canonical: whether the document is written in the one form that its signer writes.
    """

    facts: Mapping[str, Any]
    signed: bytes
    signature: bytes
    is_canonical: bool


def approval_facts(approval: OrderApproval) -> dict[str, JsonValue]:
    """An approval as a receipt keeps it."""
    if isinstance(approval, FoundingApproval):
        return {"founding_digest": approval.founding_digest, "signatures": []}
    signatures = (approval,) if isinstance(approval, SignedApproval) else approval.signatures
    return {
        "signatures": [
            {
                "statement": each.statement.decode("utf-8", errors="replace"),
                "signature": base64_text(each.signature),
                "certificate": base64_text(each.certificate),
            }
            for each in signatures
        ]
    }


def receipt_document(signed: bytes, signature: bytes) -> bytes:
    """The whole document, canonical JSON, around the canonical JSON that was signed."""
    return b'{"receipt":' + signed + b',"signature":"' + base64_text(signature).encode() + b'"}'


def receipt_from_untrusted(document: bytes) -> Receipt:
    """Read a receipt.

    Raises:
        ReceiptUnreadable
    """
    try:
        if len(document) > MAXIMUM_RECEIPT_BYTES:
            raise ValueError("too long")
        parsed = json.loads(document)
        facts, signature = parsed["receipt"], b64decode(parsed["signature"], validate=True)
        if facts["type"] != RECEIPT_TYPE:
            raise ValueError("another type")
        is_canonical = canonical_json(parsed) == document.rstrip(b"\n")
        return Receipt(facts, canonical_json(facts), signature, is_canonical)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReceiptUnreadable(
            "This file is no certificate receipt. Save the receipt again with: spine-ra receipt show"
        ) from error


def base64_text(octets: bytes) -> str:
    """Octets as JSON holds them."""
    return b64encode(octets).decode()


def octets_of(facts: Mapping[str, Any], name: str) -> bytes:
    """The octets of a field."""
    return b64decode(facts[name], validate=True)


def items_of(facts: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; empty when there is none."""
    return [each for each in facts.get(name, ()) if isinstance(each, dict)]
