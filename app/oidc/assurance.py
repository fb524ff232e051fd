"""How a sign-in is told to relying parties: ``acr`` and ``amr``.

Sources: the acr values of CIS2 Authentication (AAL1 to AAL3); RFC 8176 for amr (``sc``: smart card, ``pin``).
A card with its PIN entered afresh is authenticator assurance level 3 of NIST SP 800-63B.
"""

from __future__ import annotations

from collections.abc import Sequence

DEFAULT_ACR = "AAL3_ANY"
AMR = ("sc", "pin")
ASSURANCE_LEVEL = "3"

#: The values that a card sign-in satisfies.
SATISFIED_ACR_VALUES = (
    "AAL3_ANY",
    "AAL3_SMARTCARD",
    "AAL3_CIS2_SMARTCARD",
    "AAL2_OR_AAL3_ANY",
)


def acr_for(requested: Sequence[str]) -> str | None:
    """The first requested value that a card sign-in satisfies; the default when none was requested.

    Returns:
        None when values were requested and none is satisfied.
    """
    if not requested:
        return DEFAULT_ACR
    return next((value for value in requested if value in SATISFIED_ACR_VALUES), None)
