"""The certificate authority with both databases on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from app.ca.refusals import AlreadyCertified, KeyAlreadyCertified
from app.ca_ceremony import hold_ceremony
from app.domain.certificate_order import FoundingApproval, serial_number_text
from app.storage.database import Database
from tests.support.certificates import (
    FOUNDER_FAMILY,
    FOUNDER_GIVEN,
    HOLDER,
    OPERATOR,
    CardKeys,
    Operator,
    RegistrationRecord,
    approved,
    authority_in_a_thread,
    founding_order,
    holder_order,
    later,
    order_of,
    settings_in,
)
from tests.support.databases import Cluster


@pytest.mark.usefixtures("postgresql_database")
def test_the_whole_life_of_a_card_on_postgresql(
    postgresql_database: Database, postgresql_cluster: Cluster, tmp_path: Path
) -> None:
    postgresql_cluster.execute("CREATE DATABASE ca_of_a_test")
    main = postgresql_database.engine.url.render_as_string(hide_password=False)
    settings = settings_in(tmp_path / "data", main, postgresql_cluster.url("ca_of_a_test"))
    hold_ceremony(settings)
    hold_ceremony(settings)
    record = RegistrationRecord(postgresql_database)
    record.add_person(OPERATOR, FOUNDER_GIVEN, FOUNDER_FAMILY)
    record.add_person(HOLDER, "Amara", "Osei")
    record.grant(OPERATOR, "R5080", "B0272")
    record.add_issuance("founding-1", OPERATOR, None)
    record.add_issuance("issuance-1", HOLDER, OPERATOR)
    with authority_in_a_thread(settings) as client:
        keys = CardKeys.new()
        operator = Operator(
            OPERATOR, keys, client.issue_card_certificates(founding_order(keys)).content_commitment
        )
        order = holder_order(CardKeys.new(), operator)
        issued = client.issue_card_certificates(order)
        assert client.issue_card_certificates(order) == issued
        with pytest.raises(AlreadyCertified):
            client.issue_card_certificates(holder_order(CardKeys.new(), operator))
        record.finish_issuance("issuance-1", "undone")
        record.add_issuance("issuance-2", HOLDER, OPERATOR)
        reused = order_of("issuance-2", HOLDER, "Amara", "Osei", keys, FoundingApproval(""))
        with pytest.raises(KeyAlreadyCertified):
            client.issue_card_certificates(approved(reused, operator))
        certificate = x509.load_der_x509_certificate(issued.authentication)
        client.revoke(serial_number_text(certificate.serial_number), "keyCompromise", later())
        crl = x509.load_der_x509_crl(client.crl("authentication").der)
        assert crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        assert client.seal_audit_head() > 0
    postgresql_cluster.execute("DROP DATABASE ca_of_a_test WITH (FORCE)")
