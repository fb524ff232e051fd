"""What is signed is audited soon, once and in the order of signing; where it is not, signing stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from app.adapters.ca_audit import StoredAudit
from app.adapters.ca_client import CaClient
from app.adapters.ca_operations import Operations
from app.adapters.monitored_parts import MonitoredParts
from app.ca import audit_backlog
from app.ca.refusals import AlreadyCertified
from app.ca_server import open_certificate_authority
from app.domain.certificate_order import CardCertificateOrder, CardCertificates, FoundingApproval
from app.errors import Unavailable
from app.settings import Settings
from app.storage.tables.audit import audit_event
from directory.connection import open_session
from tests.support.broken_audit import break_audit, mend_audit
from tests.support.certificates import (
    HOLDER,
    OPERATOR,
    CardKeys,
    Operator,
    RegistrationRecord,
    approved,
    authority_in_a_thread,
    ca_process,
    founding_order,
    holder_order,
    order_of,
)
from tests.support.killing import wait_until

OF_AN_ORDER = ["certificate.issued", "certificate.issued", "certificate.receipt_kept"]


@pytest.fixture
def running(ca_settings: Settings, record: RegistrationRecord) -> Iterator[Operations]:
    with open_certificate_authority(ca_settings) as operations:
        yield operations


@pytest.fixture
def never_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test asks for is written."""
    monkeypatch.setattr("app.ca_server.AUDITED_EVERY_SECONDS", 3600)


def told(record: RegistrationRecord) -> list[tuple[str, str]]:
    """The allowed events of orders with the order that each is of, as they stand in the audit."""
    chosen = select(audit_event).where(audit_event.c.outcome == "allowed").order_by(audit_event.c.seq)
    with record.database.read() as work:
        return [
            (row.event, row.details.get("order", row.subject))
            for row in work.connection.execute(chosen)
            if row.event in OF_AN_ORDER
        ]


def of_orders(*orders: str) -> list[tuple[str, str]]:
    return [(event, order) for order in orders for event in OF_AN_ORDER]


def another_order(operator: Operator, record: RegistrationRecord) -> CardCertificateOrder:
    """For the holder, after the first issuance was undone."""
    record.finish_issuance("issuance-1", "undone")
    record.add_issuance("issuance-2", HOLDER, OPERATOR)
    order = order_of("issuance-2", HOLDER, "Amara", "Osei", CardKeys.new(), FoundingApproval(""))
    return approved(order, operator)


def founded(operations: Operations, record: RegistrationRecord) -> Operator:
    keys = CardKeys.new()
    issued = operations.authority.issue_card_certificates(founding_order(keys))
    record.finish_issuance("founding-1")
    return Operator(OPERATOR, keys, issued.content_commitment)


def killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_orders_are_audited_together_in_the_order_of_signing(
    never_by_itself: None, running: Operations, record: RegistrationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = 0
    happened = StoredAudit.happened

    def counted(*arguments: Any) -> None:
        nonlocal transactions
        transactions += 1
        happened(*arguments)

    monkeypatch.setattr(StoredAudit, "happened", counted)
    operator = founded(running, record)
    running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))
    assert told(record) == []
    running.backlog.write_waiting()
    assert told(record) == of_orders("founding-1", "issuance-1")
    running.backlog.write()
    assert told(record) == of_orders("founding-1", "issuance-1")
    assert transactions == 1


def test_it_is_audited_within_seconds_by_itself(running: Operations, record: RegistrationRecord) -> None:
    founded(running, record)
    wait_until(lambda: told(record) == of_orders("founding-1"), "the order is audited")
    assert running.backlog.seconds() == 0


def test_that_it_was_issued_is_told_before_that_it_was_revoked(
    never_by_itself: None, running: Operations, record: RegistrationRecord
) -> None:
    founded(running, record)
    running.revoker.withdraw("founding-1", "cessationOfOperation", running.clock())
    chosen = select(audit_event.c.event).where(audit_event.c.event.like("certificate.%"))
    with record.database.read() as work:
        events = list(work.connection.scalars(chosen.order_by(audit_event.c.seq)))
    assert events == [*OF_AN_ORDER, "certificate.revoked", "certificate.revoked"]


def test_what_a_crash_left_between_audit_and_ledger_is_not_told_again(
    never_by_itself: None,
    ca_settings: Settings,
    record: RegistrationRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_certificate_authority(ca_settings) as operations:
        founded(operations, record)
        with monkeypatch.context() as patch:
            patch.setattr(operations.ledger, "mark_audited", killed)
            with pytest.raises(KeyboardInterrupt):
                operations.backlog.write()
        assert told(record) == of_orders("founding-1")
        operations.backlog.write()
        assert told(record) == of_orders("founding-1")


def test_nothing_more_is_signed_once_the_audit_could_not_be_written(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    """What was answered before that was known is told when the audit is back, and the next order goes on."""
    keys = CardKeys.new()
    with authority_in_a_thread(ca_settings) as client:
        issued = client.issue_card_certificates(founding_order(keys))
        wait_until(lambda: told(record) == of_orders("founding-1"), "the first is audited")
        record.finish_issuance("founding-1")
        operator = Operator(OPERATOR, keys, issued.content_commitment)
        break_audit(record)
        client.issue_card_certificates(holder_order(CardKeys.new(), operator))
        late = another_order(operator, record)
        time.sleep(2)
        for _ in range(2):
            with pytest.raises(Unavailable, match="audit"):
                client.issue_card_certificates(late)
        client.health()
        mend_audit(record)
        client.issue_card_certificates(late)
        every = of_orders("founding-1", "issuance-1", "issuance-2")
        wait_until(lambda: told(record) == every, "all is audited")


def test_nothing_is_signed_while_older_orders_wait_too_long(
    never_by_itself: None, running: Operations, record: RegistrationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds up the audit without an error does not get cards unaudited either."""
    operator = founded(running, record)
    break_audit(record)
    monkeypatch.setattr(audit_backlog, "IN_STEP_SECONDS", 0)
    order = holder_order(CardKeys.new(), operator)
    with pytest.raises(Unavailable, match="audit"):
        running.authority.issue_card_certificates(order)
    assert running.ledger.of_order(order.issuance_id) == []
    mend_audit(record)
    running.authority.issue_card_certificates(order)
    assert told(record) == of_orders("founding-1"), "what was in the way is written first"


def test_it_calls_itself_unwell_when_something_waits_too_long(
    never_by_itself: None, running: Operations, record: RegistrationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    founded(running, record)
    assert running.handle({"operation": "health"}) == {"state": "ready"}
    monkeypatch.setattr(audit_backlog, "ALARM_SECONDS", 0)
    with pytest.raises(Unavailable, match=r"have waited \d+ seconds for their audit events"):
        running.handle({"operation": "health"})
    running.backlog.write()
    assert running.handle({"operation": "health"}) == {"state": "ready"}


def test_it_tells_how_long_the_oldest_order_waits_for_its_audit(
    never_by_itself: None, ca_settings: Settings, record: RegistrationRecord
) -> None:
    with authority_in_a_thread(ca_settings) as client:
        assert client.audit_waits_seconds() == 0
        client.issue_card_certificates(founding_order(CardKeys.new()))
        time.sleep(0.3)
        assert 0.3 <= client.audit_waits_seconds() < 60
        client.seal_audit_head()
        assert client.audit_waits_seconds() == 0


def test_monitoring_tells_how_long_the_audit_waits_while_the_authority_is_unwell_for_it(
    never_by_itself: None, ca_settings: Settings, record: RegistrationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_backlog, "ALARM_SECONDS", 0)
    with authority_in_a_thread(ca_settings) as client:
        client.issue_card_certificates(founding_order(CardKeys.new()))
        parts = MonitoredParts(lambda: open_session("ldapi://%2Fnowhere"), client)
        told = {each.key: each.value for each in parts.figures()}
    assert told["part_up:ca"] == 0
    assert told["authority_audit_oldest_seconds"] > 0


def test_what_waits_while_the_audit_is_down_survives_a_kill(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    with ca_process(ca_settings) as process:
        break_audit(record)
        CaClient(ca_settings.ca.socket).issue_card_certificates(founding_order(CardKeys.new()))
        process.kill()
    with pytest.raises(Unavailable, match="audit"), open_certificate_authority(ca_settings):
        pass
    mend_audit(record)
    assert told(record) == []
    with open_certificate_authority(ca_settings):
        assert told(record) == of_orders("founding-1")


def test_other_keys_meanwhile_are_never_signed_twice(
    running: Operations, record: RegistrationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two calls with different keys for one issuance: one gets certificates, the other a refusal."""
    others: list[CardCertificates] = []
    make = running.receipts.make

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(running.receipts, "make", make)
        others.append(running.authority.issue_card_certificates(founding_order(CardKeys.new())))
        return make(*arguments)

    monkeypatch.setattr(running.receipts, "make", meanwhile)
    with pytest.raises(AlreadyCertified):
        running.authority.issue_card_certificates(founding_order(CardKeys.new()))
    kept = {each.der for each in running.ledger.of_order("founding-1")}
    assert kept == {others[0].authentication, others[0].content_commitment}
    running.backlog.write()
    assert told(record) == of_orders("founding-1")


def test_an_order_undone_while_it_is_signed_gives_nothing(
    running: Operations, record: RegistrationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = running.receipts.make

    def meanwhile(*arguments: Any) -> Any:
        running.revoker.withdraw("founding-1", "cessationOfOperation", running.clock())
        return make(*arguments)

    monkeypatch.setattr(running.receipts, "make", meanwhile)
    with pytest.raises(AlreadyCertified):
        running.authority.issue_card_certificates(founding_order(CardKeys.new()))
    assert running.ledger.of_order("founding-1") == []
    assert told(record) == []
