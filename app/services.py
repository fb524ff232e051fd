"""What a page may use: the use cases, one attribute an ability. ``app/bootstrap/web.py`` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.oidc.provider import OpenIDProvider
    from app.ra.agreeing_to_last_tries import AgreeingToLastTries
    from app.ra.auditing import Auditing
    from app.ra.batching import Batching
    from app.ra.clearing import Clearing
    from app.ra.closing_organisations import ClosingOrganisations
    from app.ra.collecting_jobs import CollectingJobs
    from app.ra.deciding import Deciding
    from app.ra.desk_jobs import DeskJobs
    from app.ra.finding import Finding
    from app.ra.following_jobs import FollowingJobs
    from app.ra.issuing import Issuing
    from app.ra.limiting import Limiting
    from app.ra.loading_organisations import LoadingOrganisations
    from app.ra.looking_up import LookingUpOrganisations, LookingUpRoles
    from app.ra.moving_cards import MovingCards
    from app.ra.operating import Operating
    from app.ra.positioning import Positioning
    from app.ra.printing_cards import PrintingCards
    from app.ra.reading_receipts import ReadingReceipts
    from app.ra.registering import Registering
    from app.ra.renewals import RenewalAbilities
    from app.ra.reporting_workstations import ReportingWorkstations
    from app.ra.requesting import Requesting
    from app.ra.stock import StockAbilities
    from app.ra.systems import SystemAbilities
    from app.ra.unlock_abilities import UnlockAbilities
    from app.ra.withdrawing import Withdrawing
    from app.signatures.verifying import VerifyingSignatures
    from app.signin.browser_sessions import BrowserSessions
    from app.signin.smartcard import SmartcardSignIn


class KeyHolders(Protocol):
    """The API keys that are accepted."""

    def holder_of(self, key_from_untrusted: str) -> str | None:
        """Who holds the key; None when nobody does."""


@dataclass(frozen=True)
class SignatureService:
    """Verifying signatures of prescriptions, and the programs that may ask, so often a minute each."""

    verifying: VerifyingSignatures
    keys: KeyHolders
    limit_per_minute: int


@dataclass(frozen=True)
class Services:
    """Everything that pages call; each attribute's class says what it does and when it refuses."""

    finding: Finding
    registering: Registering
    organisations: LookingUpOrganisations
    reference: LookingUpRoles
    positions: Positioning
    requesting: Requesting
    deciding: Deciding
    withdrawing: Withdrawing
    issuing: Issuing
    desk_jobs: DeskJobs
    collecting_jobs: CollectingJobs
    last_tries: AgreeingToLastTries
    workstations: ReportingWorkstations
    following_jobs: FollowingJobs
    unlocks: UnlockAbilities
    card_moves: MovingCards
    renewals: RenewalAbilities
    clearing: Clearing
    batching: Batching
    systems: SystemAbilities
    auditing: Auditing
    receipts: ReadingReceipts
    stock: StockAbilities
    printing: PrintingCards
    operating: Operating
    limiting: Limiting
    loads: LoadingOrganisations
    closings: ClosingOrganisations
    sign_in: SmartcardSignIn
    sessions: BrowserSessions
    openid: OpenIDProvider
    signatures: SignatureService
