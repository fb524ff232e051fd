"""The check of cards' proofs, with the makers' roots read from the folder that the settings name."""

from __future__ import annotations

import logging
from pathlib import Path

from app.ca.attestation import AttestationRoots, ProvenanceCheck, UnusableRoot, roots_from_pem
from app.errors import InvalidInput
from app.settings import Environment, Settings
from app.settings_cards import ProofDemanded
from cryptoki import load_card_profiles
from cryptoki.errors import CryptokiError

_log = logging.getLogger(__name__)


def provenance_check(settings: Settings) -> ProvenanceCheck:
    """The check of where the keys of cards of our kind were made.

    Raises:
        InvalidInput: the card profiles or a root cannot be read, or a root is a development stand-in in
            production.
    """
    always = settings.attestation.proof is ProofDemanded.ALWAYS
    try:
        profile = load_card_profiles()[settings.agent.card_profile]
    except CryptokiError as error:
        raise InvalidInput({"agent.card_profile": f"[agent] card_profile: {error}"}) from error
    return ProvenanceCheck(_roots(settings), is_required=always or profile.provenance_required)


def makers_roots(folder: Path) -> AttestationRoots:
    """The roots of the makers in a folder.

    Raises:
        InvalidInput: a file cannot be read, or holds no root.
    """
    files = sorted(folder.glob("*.pem"))
    try:
        return roots_from_pem((file.name, file.read_text()) for file in files)
    except (UnusableRoot, OSError, UnicodeDecodeError) as error:
        raise InvalidInput({"attestation.folder": f"[attestation] folder: {error}"}) from error


def _roots(settings: Settings) -> AttestationRoots:
    roots = makers_roots(settings.attestation.folder)
    for name in roots.stand_ins:
        sentence = f"[attestation] folder: {name} is the maker of cards in software; it proves nothing."
        if settings.service.environment is Environment.PRODUCTION:
            raise InvalidInput({"attestation.folder": f"{sentence} Production refuses it."})
        _log.warning("Development stand-in: %s", sentence)
    return roots
