"""What still holds after programs were killed and cards were pulled again and again."""

from __future__ import annotations

from app.ra.unlocking import Unlocking
from tests.support.card_jobs import JobAtDesk
from tests.support.killing import wait_until
from tests.support.office import Office


def require_audit_verifies(office: Office) -> None:
    """Every announcement is carried, and no event of the audit is missing or changed."""
    office.wait_until_carried()
    wait_until(lambda: office.service.spine_ra("audit", "verify").returncode == 0, "the audit verifies")


def require_unlocks(office: Office, card_serial: str, pin: str) -> None:
    """The SO PIN that is in escrow is the card's: the RA agent unlocks it with that, to this new PIN."""
    office.put_back(card_serial)
    job_id = Unlocking(office.database).begin(office.actor, card_serial)
    pins = {"signer_pin": office.priya.pin, "new_pin": pin, "repeated_pin": pin}
    JobAtDesk(office, office.actor, card_serial, job_id, pins).go_on()
