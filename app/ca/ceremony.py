"""The key ceremony: makes the hierarchy of CAs and the other keys, each once. It may be interrupted."""

from __future__ import annotations

from app.ca.authority_making import AuthorityMaking, made_key
from app.ca.ceremony_plan import CeremonyPlan
from app.ca.ceremony_record import AuthorityKind
from app.ca.ports import SigningKeys
from app.ca.root_list import RootList

AUDIT_SEAL = "audit-seal"
SO_PIN_ESCROW = "so-pin-escrow"


class Ceremony:
    """Makes what ``plan`` says and is not there yet.

    Args:
        making: makes the CAs, in the tokens and the record that it was given.
        root_list: the root's CRL.
    """

    def __init__(self, plan: CeremonyPlan, making: AuthorityMaking, root_list: RootList) -> None:
        self._plan = plan
        self._making = making
        self._root_list = root_list

    def hold(self, founders: tuple[str, ...]) -> None:
        """Hold the ceremony, or go on with it.

        Raises:
            CeremonyChanged: it was begun with another file.
            Unavailable: the root has something to sign, and its token is not there.
            LintFailed: the plan asks for what cannot be signed.
        """
        plan, making = self._plan, self._making
        making.record.begin(plan.digest, plan.founding_digest, founders, making.now)
        if making.is_missing(plan.root.name):
            making.root(plan.root)
        making.issuing_cas(plan.issuing, plan.root.name)
        with making.token() as keys:
            self._other_keys(keys)
        making.progress(self._root_list.renew(making.now, plan.root_crl_validity))
        making.record.complete(making.now)

    def _other_keys(self, keys: SigningKeys) -> None:
        for each in self._plan.issuing:
            self._making.ocsp_signer(keys, each.name, self._plan.ocsp_key_type)
        if self._making.is_missing(AUDIT_SEAL):
            key_type = self._plan.audit_seal_key_type
            key = made_key(keys, AUDIT_SEAL, key_type).public_key()
            self._making.keep(AUDIT_SEAL, AuthorityKind.AUDIT_SEAL, key_type, key, None)
        if self._making.is_missing(SO_PIN_ESCROW):
            self._escrow_key(keys)

    def _escrow_key(self, keys: SigningKeys) -> None:
        key_type = self._plan.escrow_key_type
        if not keys.has(SO_PIN_ESCROW):
            keys.generate_for_decryption(SO_PIN_ESCROW, key_type)
        key = keys.public_key(SO_PIN_ESCROW)
        self._making.keep(SO_PIN_ESCROW, AuthorityKind.SO_PIN_ESCROW, key_type, key, None)
