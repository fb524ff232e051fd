"""The composition root's part for what is done with cards in use."""

from __future__ import annotations

from collections.abc import Mapping

from app.adapters.message_senders import SmtpSender, SpoolSender
from app.adapters.unlock_secrets import FileUnlockSecrets
from app.ca_files import PROFILES_FILE
from app.clock import utc_now
from app.domain.card_job import JobKind
from app.domain.certificate_profile import rules_from_toml
from app.domain.permissions_policy import PermissionsPolicy
from app.domain.renewal import RenewalRules
from app.message_settings import MessagesBy
from app.ra.card_job_steps import CardJobKinds
from app.ra.changing_names import ChangingNames
from app.ra.changing_so_pins import ChangingSoPins
from app.ra.clearing import Clearing
from app.ra.collecting_jobs import CollectingJobs
from app.ra.desk_jobs import DeskJobs, DeskPolicy
from app.ra.enrolling_authenticators import EnrollingAuthenticators
from app.ra.expiring import Expiring
from app.ra.exporting_so_pins import ExportingSoPins
from app.ra.following_jobs import FollowingJobs, GivingUp
from app.ra.forecasting import Forecasting
from app.ra.limiting import Limiting
from app.ra.ports import CertificateAuthority
from app.ra.registering_workstations import RegisteringWorkstations
from app.ra.releasing_so_pins import ReleasingSoPins
from app.ra.renewals import RenewalAbilities
from app.ra.renewing import Renewing, take_back_renewal, why_renewal_goes_on
from app.ra.renewing_at_desk import RenewingAtDesk
from app.ra.repairing import Repairing
from app.ra.sending_codes import MessageSender, SendingCodes
from app.ra.unlock_abilities import UnlockAbilities
from app.ra.unlocking import Unlocking
from app.ra.unlocking_by_code import SEND_CODE, UnlockingByCode
from app.ra.unlocking_offline import UnlockingOffline
from app.ra.vouching import Vouching
from app.settings import Settings
from app.storage.approval_record import StoredApprovals
from app.storage.database import Database
from app.worker import Handler


def renewal_rules() -> RenewalRules:
    """From when, by whom and how often cards are renewed: the same file as the certificate authority's."""
    return rules_from_toml(PROFILES_FILE.read_text()).renewal


def renewals(database: Database, authority: CertificateAuthority, origin: str) -> RenewalAbilities:
    """What renews cards."""
    rules, at_desk = renewal_rules(), RenewingAtDesk(database, authority, origin)
    return RenewalAbilities(
        Renewing(database, rules),
        at_desk,
        Forecasting(database, rules),
        Repairing(database),
        ChangingNames(database),
    )


def desk_policy(settings: Settings) -> DeskPolicy:
    """What desks are told."""
    return DeskPolicy(
        settings.service.origin,
        card_profile=settings.agent.card_profile,
        undelivered_cards=settings.stock.undelivered_cards,
    )


def unlockings(
    database: Database, authority: CertificateAuthority, settings: Settings, policy: PermissionsPolicy
) -> UnlockAbilities:
    """What unlocks cards, and what else needs SO PINs."""
    origin, rights = settings.service.origin, StoredApprovals(database, policy)
    secrets = FileUnlockSecrets.of_file(settings.messages.key_file)
    return UnlockAbilities(
        Unlocking(database),
        UnlockingByCode(database, secrets, Limiting(database)),
        Vouching(database),
        EnrollingAuthenticators(database, secrets, settings.service.name),
        UnlockingOffline(database),
        RegisteringWorkstations(database, authority, desk_policy(settings).pin_policy),
        ReleasingSoPins(database, authority, origin, rights),
        ExportingSoPins(database),
        ChangingSoPins(database),
    )


def code_handlers(settings: Settings) -> Mapping[str, Handler]:
    """What sends one-time codes."""
    secrets = FileUnlockSecrets.of_file(settings.messages.key_file)
    sending = SendingCodes(secrets, message_sender(settings), utc_now)
    return {SEND_CODE: lambda row: sending.carry(row.payload)}


def message_sender(settings: Settings) -> MessageSender:
    """What carries messages to people."""
    if settings.messages.by is MessagesBy.SPOOL:
        return SpoolSender(settings.messages.folder)
    return SmtpSender(settings.messages)


def collecting(
    database: Database,
    issuances: DeskJobs,
    renewing: RenewalAbilities,
    unlocks: UnlockAbilities,
    policy: DeskPolicy,
) -> CollectingJobs:
    """What desks collect: issuances, and what is done with cards besides, each kind with its use case."""
    kinds: CardJobKinds = {
        JobKind.RENEW: renewing.at_desk,
        JobKind.UNLOCK: unlocks.assisted,
        JobKind.REPAIR: renewing.repairing,
        JobKind.CLEAR: Clearing(database),
        JobKind.EXPORT: unlocks.exporting,
        JobKind.CHANGE_SO_PIN: unlocks.changing,
    }
    return CollectingJobs(database, issuances, kinds, policy.pin_policy)


def following(database: Database) -> FollowingJobs:
    """The pages of card jobs, with what is taken back when one is given up."""
    return FollowingJobs(database, {JobKind.RENEW: GivingUp(why_renewal_goes_on, take_back_renewal)})


def expiring(database: Database) -> Expiring:
    """What moves cards to the state that the date gives them."""
    return Expiring(database, renewal_rules())
