"""Renewals by a real authority: what it takes to get one, and that a taken-over web process cannot.

Time moves: the cards are issued on the first day and end after 730 days.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app import ca_server
from app.adapters.ca_operations import Operations
from app.ca import refusals
from app.ca_server import open_certificate_authority
from app.domain.approval import ApprovalNotValid
from app.domain.certificate_order import (
    CardCertificateOrder,
    CardCertificates,
    FoundingApproval,
    RenewalApproval,
    SignedApproval,
    serial_number_text,
)
from app.domain.renewal import CardMustBeSeen, RenewalNotDue
from app.domain.renewal_statement import RenewalStatement
from app.errors import Refusal
from app.settings import Settings
from tests.support.certificates import (
    HOLDER,
    OPERATOR,
    ORIGIN,
    OTHER,
    CardKeys,
    Operator,
    RegistrationRecord,
    approved,
    founding_order,
    order_of,
    sign_statement,
    statement_of,
)

BEGIN = datetime(2026, 11, 1, 9, tzinfo=UTC)
NAMES = {OPERATOR: ("Margaret", "Whitcombe"), HOLDER: ("Amara", "Osei"), OTHER: ("Daniel", "Okafor")}


def fingerprint(key: object) -> str:
    from hashlib import sha256

    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return sha256(spki).hexdigest()


def serial_of(der: bytes) -> str:
    return serial_number_text(x509.load_der_x509_certificate(der).serial_number)


@dataclass
class Held:
    """Somebody's card: its serial, its keys and what was issued for them."""

    uid: str
    serial: str
    keys: CardKeys
    issued: CardCertificates

    @property
    def signer(self) -> Operator:
        return Operator(self.uid, self.keys, self.issued.content_commitment)

    @property
    def serials(self) -> tuple[str, str]:
        return serial_of(self.issued.authentication), serial_of(self.issued.content_commitment)


@dataclass
class Life:
    """An authority over the years, and the cards that it made."""

    running: Operations
    record: RegistrationRecord
    clock: Clock
    number: int = 0
    cards: dict[str, Held] = field(default_factory=dict)

    def after(self, days: float) -> Life:
        self.clock.now = BEGIN + timedelta(days=days)
        return self

    def issue(self, uid: str) -> Held:
        """A card, approved by the operator; the operator's own comes from the founding."""
        keys, number = CardKeys.new(), f"issue-{uid}"
        if uid == OPERATOR:
            order, number = founding_order(keys), "founding-1"
        else:
            self.record.add_issuance(number, uid, OPERATOR)
            order = order_of(number, uid, *NAMES[uid], keys, FoundingApproval(""))
            order = approved(order, self.cards[OPERATOR].signer, signed_at=self.clock.now.isoformat())
        issued = self.running.authority.issue_card_certificates(order)
        self.record.finish_issuance(number)
        self.cards[uid] = Held(uid, order.card_serial, keys, issued)
        return self.cards[uid]

    def order(self, card: Held, begun_by: str = "") -> tuple[CardCertificateOrder, CardKeys]:
        """An open renewal of the card with new keys, not yet approved."""
        self.number += 1
        renewal, keys = f"renewal-{self.number}", CardKeys.new()
        self.record.add_renewal(renewal, card.uid, card.serial, begun_by or card.uid)
        order = order_of(renewal, card.uid, *NAMES[card.uid], keys, RenewalApproval(()), card.serial)
        return order, keys

    def renew(self, card: Held, *signers: tuple[Held, str]) -> Held:
        """Renew the card, signed by its holder or by others; its old certificates are superseded."""
        order, keys = self.order(card)
        by = signers or ((card, "holder"),)
        issued = self.running.authority.issue_card_certificates(self.signed(order, keys, card, *by))
        self.record.finish_renewal(order.issuance_id)
        for serial in card.serials:
            self.running.revoker.revoke(serial, "superseded", self.clock.now)
        renewed = Held(card.uid, card.serial, keys, issued)
        self.cards[card.uid] = renewed
        return renewed

    def signed(
        self,
        order: CardCertificateOrder,
        keys: CardKeys,
        card: Held,
        *signers: tuple[Held, str],
        **changes: str,
    ) -> CardCertificateOrder:
        """The order with statements that are right but for ``changes``."""
        signatures = []
        for signer, signed_as in signers:
            facts = RenewalStatement(
                renewal=order.issuance_id,
                holder=card.uid,
                holder_name=" ".join(NAMES[card.uid]),
                card_serial=card.serial,
                replaces=serial_of(card.issued.authentication),
                authentication_key=fingerprint(keys.authentication),
                content_commitment_key=fingerprint(keys.content_commitment),
                signer=signer.uid,
                signed_as=signed_as,
                origin=ORIGIN,
                signed_at=self.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
            statement = replace(facts, **changes).canonical()
            signature = sign_statement(signer.keys.content_commitment, statement)
            signatures.append(SignedApproval(statement, signature, signer.signer.certificate))
        return replace(order, approval=RenewalApproval(tuple(signatures)))

    def refused(self, order: CardCertificateOrder, kind: type[Refusal]) -> None:
        with pytest.raises(kind):
            self.running.authority.issue_card_certificates(order)
        assert self.running.ledger.of_order(order.issuance_id) == []


@dataclass
class Clock:
    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def life(ca_settings: Settings, record: RegistrationRecord) -> Iterator[Life]:
    clock = Clock()
    record.finish_issuance("issuance-1", "undone")
    with open_certificate_authority(ca_settings, clock) as running:
        living = Life(running, record, clock)
        for uid in (OPERATOR, HOLDER, OTHER):
            living.issue(uid)
        yield living


def test_the_holder_renews_with_the_cards_own_key(life: Life) -> None:
    amara = life.after(days=660).cards[HOLDER]
    renewed = life.renew(amara)
    new = x509.load_der_x509_certificate(renewed.issued.authentication)
    assert new.subject == x509.load_der_x509_certificate(amara.issued.authentication).subject
    assert new.not_valid_after_utc == life.clock.now - timedelta(minutes=5) + timedelta(days=730)
    assert new.public_key() == renewed.keys.authentication.public_key()


def test_the_same_renewal_sent_again_gives_the_same_certificates(life: Life) -> None:
    amara = life.after(days=660).cards[HOLDER]
    order, keys = life.order(amara)
    signed = life.signed(order, keys, amara, (amara, "holder"))
    first = life.running.authority.issue_card_certificates(signed)
    assert life.running.authority.issue_card_certificates(signed) == first


def test_the_holder_renews_twice_and_then_somebody_must_see_them(life: Life) -> None:
    amara = life.after(days=660).cards[HOLDER]
    life.renew(life.cards[OPERATOR])
    amara = life.renew(amara)
    life.after(days=1300)
    life.renew(life.cards[OPERATOR])
    amara = life.renew(amara)
    life.after(days=1940)
    order, keys = life.order(amara)
    life.refused(life.signed(order, keys, amara, (amara, "holder")), CardMustBeSeen)
    life.record.finish_renewal(order.issuance_id, "undone")
    amara = life.renew(amara, (life.cards[OPERATOR], "operator"))
    life.after(days=2580)
    assert life.renew(amara).uid == HOLDER


def test_a_renewal_that_was_undone_does_not_stand_in_the_way_of_the_next(life: Life) -> None:
    amara = life.after(days=660).cards[HOLDER]
    order, keys = life.order(amara)
    life.running.authority.issue_card_certificates(life.signed(order, keys, amara, (amara, "holder")))
    life.running.revoker.withdraw(order.issuance_id, "cessationOfOperation", life.clock.now)
    life.record.finish_renewal(order.issuance_id, "undone")
    life.after(days=661)
    assert life.renew(amara).uid == HOLDER


def test_somebody_who_may_renew_cards_renews_it_with_the_holder(life: Life) -> None:
    daniel, amara = life.after(days=660).cards[OTHER], life.cards[HOLDER]
    order, keys = life.order(amara, OTHER)
    signed = life.signed(order, keys, amara, (daniel, "operator"))
    life.refused(signed, refusals.ApproverMayNotRenew)
    life.record.grant(OTHER, "R8008", "B1300")
    assert life.running.authority.issue_card_certificates(signed).authentication


def test_an_expired_card_is_renewed_by_whoever_may_issue_cards_only(life: Life) -> None:
    life.after(days=700)
    life.record.grant(OTHER, "R8008", "B1300")
    manager, sponsor = life.renew(life.cards[OPERATOR]), life.renew(life.cards[OTHER])
    amara = life.after(days=731).cards[HOLDER]
    order, keys = life.order(amara, OPERATOR)
    life.refused(life.signed(order, keys, amara, (amara, "holder")), refusals.ApproverUnknown)
    life.refused(life.signed(order, keys, amara, (sponsor, "operator")), refusals.ApproverMayNotRenew)
    signed = life.signed(order, keys, amara, (manager, "operator"))
    assert life.running.authority.issue_card_certificates(signed).authentication


def test_an_expired_card_is_renewed_when_two_colleagues_vouch(life: Life) -> None:
    life.after(days=700)
    for uid in (HOLDER, OTHER):
        life.record.grant(uid, "R8008")
    one, other = life.renew(life.cards[OPERATOR]), life.renew(life.cards[OTHER])
    amara = life.after(days=731).cards[HOLDER]
    order, keys = life.order(amara, OPERATOR)
    vouched = [(one, "colleague"), (other, "colleague")]
    for signers in (
        vouched[:1],
        [vouched[0], vouched[0]],
        [*vouched, vouched[0]],
        [vouched[0], (other, "operator")],
    ):
        life.refused(life.signed(order, keys, amara, *signers), refusals.ApproverMayNotRenew)
    signed = life.signed(order, keys, amara, *vouched)
    assert life.running.authority.issue_card_certificates(signed).authentication


def test_the_holder_does_not_vouch_for_themselves_nor_does_a_stranger(life: Life) -> None:
    life.after(days=660)
    amara, daniel, manager = life.cards[HOLDER], life.cards[OTHER], life.cards[OPERATOR]
    life.record.grant(HOLDER, "R8008")
    order, keys = life.order(amara, OPERATOR)
    for other in (amara, daniel):
        vouched = life.signed(order, keys, amara, (manager, "colleague"), (other, "colleague"))
        life.refused(vouched, refusals.ApproverMayNotRenew)


Spoil = Callable[[Life, CardCertificateOrder, CardKeys, Held], CardCertificateOrder]


def of_another(name: str, value: str) -> Spoil:
    """A statement that the holder signed, which differs in one fact."""

    def spoil(life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held) -> CardCertificateOrder:
        return life.signed(order, keys, card, (card, "holder"), **{name: value})

    return spoil


def for_other_keys(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    """The web process puts keys of its own in place of the card's."""
    own = order_of(order.issuance_id, card.uid, *NAMES[card.uid], CardKeys.new(), order.approval, card.serial)
    return replace(own, approval=life.signed(order, keys, card, (card, "holder")).approval)


def for_one_other_key(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    signed = life.signed(order, keys, card, (card, "holder"))
    return replace(
        signed, content_commitment_csr=for_other_keys(life, order, keys, card).content_commitment_csr
    )


def by_somebody_else_as_the_holder(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    return life.signed(order, keys, card, (life.cards[OTHER], "holder"))


def in_somebody_elses_name(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    return life.signed(order, keys, card, (life.cards[OTHER], "holder"), signer=card.uid)


def by_the_holder_as_an_operator(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    return life.signed(order, keys, card, (card, "operator"))


def with_the_authentication_key(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    swapped = replace(card, keys=CardKeys(card.keys.content_commitment, card.keys.authentication))
    return life.signed(order, keys, card, (swapped, "holder"))


def with_the_authentication_certificate(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    issued = replace(card.issued, content_commitment=card.issued.authentication)
    return life.signed(order, keys, card, (replace(card, issued=issued), "holder"))


def signed_by_the_new_key(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    return life.signed(order, keys, card, (replace(card, keys=keys), "holder"))


def with_an_issuance_statement(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    """What an operator signed to issue a card does not renew one."""
    issuing = approved(order, life.cards[OPERATOR].signer, signed_at=life.clock.now.isoformat())
    assert isinstance(issuing.approval, SignedApproval)
    return replace(order, approval=RenewalApproval((issuing.approval,)))


def as_an_issuance(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    """An operator's approval to issue, for an issuance on record that is a renewal."""
    return approved(order, life.cards[OPERATOR].signer, signed_at=life.clock.now.isoformat())


def with_another_type(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    signed = life.signed(order, keys, card, (card, "holder"))
    assert isinstance(signed.approval, RenewalApproval)
    statement = signed.approval.signatures[0].statement.replace(b"card-renewal/1", b"card-unlocking/1")
    signature = sign_statement(card.keys.content_commitment, statement)
    forged = replace(signed.approval.signatures[0], statement=statement, signature=signature)
    return replace(order, approval=RenewalApproval((forged,)))


def with_more_facts(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    statement = statement_of({"type": "spine-ra/card-renewal/1", "also": "this"})
    signature = sign_statement(card.keys.content_commitment, statement)
    return replace(
        order, approval=RenewalApproval((SignedApproval(statement, signature, card.signer.certificate),))
    )


def unsigned(life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held) -> CardCertificateOrder:
    return order


def under_another_name(
    life: Life, order: CardCertificateOrder, keys: CardKeys, card: Held
) -> CardCertificateOrder:
    signed = life.signed(order, keys, card, (card, "holder"), holder_name="Amara Whitcombe")
    return replace(signed, family_name="Whitcombe")


ABUSE: list[tuple[Spoil, type[Refusal]]] = [
    (unsigned, refusals.ApproverMayNotRenew),
    (of_another("renewal", "renewal-99"), refusals.ApprovalDiffers),
    (of_another("holder", OTHER), refusals.ApprovalDiffers),
    (of_another("holder_name", "Somebody Else"), refusals.ApprovalDiffers),
    (of_another("card_serial", "card-other"), refusals.ApprovalDiffers),
    (of_another("replaces", "1f"), refusals.ApprovalDiffers),
    (of_another("origin", "https://evil.example"), refusals.ApprovalDiffers),
    (of_another("signer", OTHER), refusals.ApprovalDiffers),
    (of_another("signed_as", "founder"), refusals.ApproverMayNotRenew),
    (of_another("signed_at", "2026-11-01T09:00:00Z"), refusals.ApprovalTooOld),
    (of_another("signed_at", "2036-11-01T09:00:00Z"), refusals.ApprovalTooOld),
    (of_another("signed_at", "yesterday"), refusals.ApprovalTooOld),
    (for_other_keys, refusals.ApprovalDiffers),
    (for_one_other_key, refusals.ApprovalDiffers),
    (by_somebody_else_as_the_holder, refusals.ApproverMayNotRenew),
    (in_somebody_elses_name, refusals.ApprovalDiffers),
    (by_the_holder_as_an_operator, refusals.SelfIssuance),
    (with_the_authentication_key, ApprovalNotValid),
    (with_the_authentication_certificate, refusals.ApproverUnknown),
    (signed_by_the_new_key, ApprovalNotValid),
    (with_an_issuance_statement, ApprovalNotValid),
    (as_an_issuance, refusals.NotARenewal),
    (with_another_type, ApprovalNotValid),
    (with_more_facts, ApprovalNotValid),
    (under_another_name, refusals.CardNotRenewable),
]


def test_no_other_signature_renews_a_card(life: Life) -> None:
    """One authority for the whole table: no refusal may leave anything behind that helps the next order."""
    amara = life.after(days=660).cards[HOLDER]
    order, keys = life.order(amara)
    for spoil, refusal in ABUSE:
        life.refused(spoil(life, order, keys, amara), refusal)
    right = life.signed(order, keys, amara, (amara, "holder"))
    assert life.running.authority.issue_card_certificates(right).authentication


def test_nothing_is_renewed_before_the_window_opens(life: Life) -> None:
    amara = life.after(days=639).cards[HOLDER]
    order, keys = life.order(amara)
    life.refused(life.signed(order, keys, amara, (amara, "holder")), RenewalNotDue)
    life.refused(life.signed(order, keys, amara, (life.cards[OPERATOR], "operator")), RenewalNotDue)


def test_a_reported_card_is_renewed_by_nobody(life: Life) -> None:
    amara = life.after(days=660).cards[HOLDER]
    for serial in amara.serials:
        life.running.revoker.revoke(serial, "keyCompromise", life.clock.now)
    order, keys = life.order(amara, OPERATOR)
    life.refused(life.signed(order, keys, amara, (amara, "holder")), refusals.CardNotRenewable)
    manager = life.cards[OPERATOR]
    life.refused(life.signed(order, keys, amara, (manager, "operator")), refusals.CardNotRenewable)


def test_a_superseded_certificate_does_not_renew_again(life: Life) -> None:
    """The old signing key of a renewed card is worth nothing, even inside its dates."""
    old = life.after(days=660).cards[HOLDER]
    life.renew(old)
    life.after(days=700)
    order, keys = life.order(old)
    life.refused(life.signed(order, keys, old, (old, "holder")), RenewalNotDue)
    new = life.after(days=1310).cards[HOLDER]
    order = replace(order, approval=life.signed(order, keys, new, (old, "holder")).approval)
    life.refused(order, refusals.ApproverUnknown)


def test_a_statement_serves_once(life: Life) -> None:
    """Replayed for another renewal on record, it is for another renewal; the key is certified once."""
    amara = life.after(days=660).cards[HOLDER]
    order, keys = life.order(amara)
    signed = life.signed(order, keys, amara, (amara, "holder"))
    life.running.authority.issue_card_certificates(signed)
    life.running.revoker.withdraw(order.issuance_id, "cessationOfOperation", life.clock.now)
    life.record.finish_renewal(order.issuance_id, "undone")
    again, _ = life.order(amara)
    replayed = replace(signed, issuance_id=again.issuance_id)
    life.refused(replayed, refusals.ApprovalDiffers)
    resigned = life.signed(again, keys, amara, (amara, "holder"))
    same_keys = replace(
        resigned,
        authentication_csr=order.authentication_csr,
        content_commitment_csr=order.content_commitment_csr,
    )
    life.refused(same_keys, refusals.KeyAlreadyCertified)


def test_another_persons_card_is_not_renewed_in_ones_own_name(life: Life) -> None:
    """A row in the database may say that Daniel's card is Amara's; the ledger knows better."""
    amara, daniel = life.after(days=660).cards[HOLDER], life.cards[OTHER]
    life.record.add_renewal("renewal-99", HOLDER, daniel.serial, HOLDER)
    keys = CardKeys.new()
    order = order_of("renewal-99", HOLDER, *NAMES[HOLDER], keys, RenewalApproval(()), daniel.serial)
    mixed = replace(amara, serial=daniel.serial)
    life.refused(life.signed(order, keys, mixed, (amara, "holder")), refusals.CardNotRenewable)


def test_an_operator_whose_roles_were_withdrawn_renews_nothing(life: Life) -> None:
    amara = life.after(days=660).cards[HOLDER]
    life.record.withdraw_roles(OPERATOR)
    order, keys = life.order(amara, OPERATOR)
    signed = life.signed(order, keys, amara, (life.cards[OPERATOR], "operator"))
    life.refused(signed, refusals.ApproverMayNotRenew)


def test_ends_are_levelled_within_the_window_and_never_beyond_the_profile(
    ca_settings: Settings, record: RegistrationRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levelled = tmp_path / "profiles.toml"
    text = ca_server.PROFILES_FILE.read_text()
    levelled.write_text(re.sub(r"^levelling_days = 0", "levelling_days = 30", text, flags=re.MULTILINE))
    monkeypatch.setattr(ca_server, "PROFILES_FILE", levelled)
    clock = Clock()
    record.finish_issuance("issuance-1", "undone")
    with open_certificate_authority(ca_settings, clock) as running:
        life = Life(running, record, clock)
        cards = [life.issue(uid) for uid in (OPERATOR, HOLDER, OTHER)]
    latest = BEGIN - timedelta(minutes=5) + timedelta(days=730)
    for number, card in enumerate(cards):
        for der in (card.issued.authentication, card.issued.content_commitment):
            ends_at = x509.load_der_x509_certificate(der).not_valid_after_utc
            assert ends_at == latest - timedelta(days=number)
