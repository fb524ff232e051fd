"""The composition root's part for systems."""

from __future__ import annotations

from app.adapters.host_names import ResolvedHostNames
from app.ca_files import PROFILES_FILE
from app.data import shipped
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import CertificateProfile, rules_from_toml
from app.ra.certifying_systems import CertifyingSystems
from app.ra.deciding_systems import DecidingSystems
from app.ra.listing_systems import ListingSystems
from app.ra.looking_up_systems import LookingUpSystems
from app.ra.organisation_scope import OrganisationScope
from app.ra.requesting_systems import RequestingSystems
from app.ra.systems import SystemAbilities
from app.storage.database import Database


def system_abilities(database: Database, scope: OrganisationScope) -> SystemAbilities:
    """What can be done about systems, with the interactions that travel with the program."""
    interactions = shipped.interactions()
    requesting = RequestingSystems(database, scope, interactions)
    return SystemAbilities(
        looking_up=LookingUpSystems(database, scope),
        requesting=requesting,
        deciding=DecidingSystems(database, scope, interactions, ResolvedHostNames()),
        listing=ListingSystems(requesting),
        certifying=CertifyingSystems(database, scope, _profile()),
    )


def _profile() -> CertificateProfile:
    return rules_from_toml(PROFILES_FILE.read_text()).profiles[CertificatePurpose.SYSTEM]
