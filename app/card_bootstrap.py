"""The composition root's part for cards that grow old and are renewed."""

from __future__ import annotations

from collections.abc import Mapping

from app.ca_ceremony import PROFILES_FILE
from app.domain.card_job import JobKind
from app.domain.certificate_profile import rules_from_toml
from app.domain.renewal import RenewalRules
from app.ra.card_job_steps import CardJobKinds
from app.ra.expiring import Expiring
from app.ra.following_jobs import GivingUp
from app.ra.ports import CertificateAuthority
from app.ra.renewals import RenewalAbilities
from app.ra.renewing import Renewing, give_up_renewal
from app.ra.renewing_at_desk import RenewingAtDesk
from app.storage.database import Database


def renewal_rules() -> RenewalRules:
    """From when, by whom and how often cards are renewed: the same file as the certificate authority's."""
    return rules_from_toml(PROFILES_FILE.read_text()).renewal


def renewals(database: Database, authority: CertificateAuthority, origin: str) -> RenewalAbilities:
    """What renews cards."""
    at_desk = RenewingAtDesk(database, authority, origin)
    return RenewalAbilities(Renewing(database, renewal_rules()), at_desk)


def card_job_kinds(renewing: RenewalAbilities) -> CardJobKinds:
    """What is done with cards at desks besides issuing them: the use case of each kind."""
    return {JobKind.RENEW: renewing.at_desk}


def giving_up() -> Mapping[JobKind, GivingUp]:
    """What is taken back when a job is given up, by kind."""
    return {JobKind.RENEW: give_up_renewal}


def expiring(database: Database) -> Expiring:
    """What moves cards to the state that the date gives them."""
    return Expiring(database, renewal_rules())
