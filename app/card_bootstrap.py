"""The composition root's part for cards that grow old and are renewed."""

from __future__ import annotations

from app.ca_ceremony import PROFILES_FILE
from app.domain.certificate_profile import rules_from_toml
from app.domain.renewal import RenewalRules
from app.ra.expiring import Expiring
from app.storage.database import Database


def renewal_rules() -> RenewalRules:
    """From when, by whom and how often cards are renewed: the same file as the certificate authority's."""
    return rules_from_toml(PROFILES_FILE.read_text()).renewal


def expiring(database: Database) -> Expiring:
    """What moves cards to the state that the date gives them."""
    return Expiring(database, renewal_rules())
