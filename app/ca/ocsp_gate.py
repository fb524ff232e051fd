"""The gate before an OCSP responder's key: as ``certificate_gate``, for answers.

An answer passes by a template of its form (kind of status, reason, nonce, hash) when it is equal to it but
for serial number, times, reason and nonce, and when each of these is right. All else is linted whole.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from app.ca import der
from app.ca.lint import Linter
from app.ca.ocsp_form import REASON_CODES, AnswerKind
from app.ca.template import Path, Template

LONGEST_NONCE = 32
"""RFC 9654 section 2.1 lets a responder limit the nonce."""

_STATUS: Path = (2, 0, 1)
_PLACES: dict[Path, str] = {
    (1,): "produced_at",
    (2, 0, 0, 3): "serial_number",
    (2, 0, 2): "this_update",
    (2, 0, 3, 0): "next_update",
}
_REVOKED, _REASON, _NONCE = (*_STATUS, 0), (*_STATUS, 1, 0), (3, 0, 0, 1)


class OcspGate:
    """The checks of one responder's answers.

    Args:
        whole_lint_one_in: how many answers pass by a template for one that is linted whole, on average.
    """

    def __init__(self, linter: Linter, whole_lint_one_in: int = 1) -> None:
        self._linter = linter
        self._one_in = whole_lint_one_in
        self._templates: dict[AnswerKind, Template] = {}

    def require_sound(self, kind: AnswerKind, data: bytes, whole: Callable[[], bytes]) -> None:
        """Refuse an answer in which the linter would find an error.

        Args:
            kind: of ``Told``.
            data: what will be signed.
            whole: gives the answer with a throw-away key's signature.

        Raises:
            LintFailed
        """
        if secrets.randbelow(self._one_in) and self.passes_by_template(kind, data):
            return
        self._linter.require_clean_ocsp_answer(whole())
        self._templates.setdefault(kind, Template(data, _places(kind)))

    def passes_by_template(self, kind: AnswerKind, data: bytes) -> bool:
        """Whether a template of its kind is known and what will be signed fits it, with right values."""
        template = self._templates.get(kind)
        try:
            found = template.fitting(data) if template else None
            return found is not None and _are_right(found)
        except der.NotDer:
            return False


def _places(kind: AnswerKind) -> dict[Path, str]:
    _, _, revoked, has_reason, has_nonce = kind
    places = dict(_PLACES)
    if revoked:
        places[_REVOKED] = "revoked_at"
    if has_reason:
        places[_REASON] = "reason"
    if has_nonce:
        places[_NONCE] = "nonce"
    return places


def _are_right(found: dict[str, bytes]) -> bool:
    begins, ends = _time(found, "this_update"), _time(found, "next_update")
    revoked_at = _time(found, "revoked_at") if "revoked_at" in found else begins
    return (
        _time(found, "produced_at") == begins
        and revoked_at <= begins < ends
        and der.unsigned_integer(found["serial_number"]).bit_length() < 160
        and _is_nonce(found.get("nonce"))
        and _is_reason(found.get("reason"))
    )


def _time(found: dict[str, bytes], name: str) -> datetime:
    return der.generalized_time_of(found[name])


def _is_nonce(value: bytes | None) -> bool:
    if value is None:
        return True
    inner = der.content(value)
    return inner[:1] == bytes([der.OCTET_STRING]) and 1 <= len(der.content(inner)) <= LONGEST_NONCE


def _is_reason(value: bytes | None) -> bool:
    if value is None:
        return True
    code = der.content(value)
    return value[0] == der.ENUMERATED and len(code) == 1 and code[0] in REASON_CODES.values()
