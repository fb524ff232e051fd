"""The renewal cliff as the register knows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.renewal import RenewalRules
from app.errors import NotPermitted
from app.ra.forecasting import Forecasting
from tests.support.registration_authority import Office
from tests.support.renewals import let_certificates_end, soon


def test_working_cards_are_counted_by_the_day_on_which_they_end(office: Office) -> None:
    forecasting = Forecasting(office.ra.database, RenewalRules())
    let_certificates_end(office, office.sponsor_card, soon(20))
    found = forecasting.ahead(office.manager, 30)
    day = (datetime.now(UTC) + timedelta(days=20)).date()
    assert found.forecast.ending[day] == 1
    assert found.forecast.total == 2
    assert [(each.holder.uid, each.card_serial) for each in found.soon] == [
        (office.sponsor.uid, office.sponsor_card.serial)
    ]
    assert forecasting.ahead(office.manager, 7).soon == []
    assert not found.is_levelled
    assert found.levelled.total == 2


def test_only_ra_managers_look_ahead_and_it_is_on_record(office: Office) -> None:
    forecasting = Forecasting(office.ra.database, RenewalRules())
    with pytest.raises(NotPermitted):
        forecasting.ahead(office.sponsor, 90)
    forecasting.ahead(office.manager, 90)
    assert [each[:2] for each in office.ra.audited() if each[0] == "renewals.forecast_read"] == [
        ("renewals.forecast_read", "refused"),
        ("renewals.forecast_read", "allowed"),
    ]
