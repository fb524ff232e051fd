"""Every figure is described, and every alert watches figures that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.adapters.ca_outbox import ca_outbox_handlers
from app.adapters.directory_publishing import DirectoryPublishing
from app.ca.audit_backlog import ALARM_SECONDS
from app.domain.figures import AUDIT_WAITS, DESCRIBED, TOPICS, Kind

ROOT = Path(__file__).parents[3]
ALERTS = (ROOT / "config" / "prometheus" / "alerts.example.yml").read_text()
TOLD = {f"spine_ra_{name}{'_total' if each.kind is Kind.COUNTER else ''}" for name, each in DESCRIBED.items()}


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_figure_is_in_the_documents(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "monitoring.md").read_text()


def test_alerts_watch_figures_that_there_are() -> None:
    assert set(re.findall(r"\bspine_ra_\w+", ALERTS)) <= TOLD


def test_the_alert_fires_when_the_certificate_authority_calls_itself_unwell() -> None:
    assert f"expr: spine_ra_{AUDIT_WAITS} > {ALARM_SECONDS}\n" in ALERTS


def test_an_alerts_runbook_is_there() -> None:
    for runbook in re.findall(r"runbook: (\S+)", ALERTS):
        file, _, heading = runbook.partition("#")
        headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(), re.MULTILINE)
        assert not heading or heading in {each.lower().replace(" ", "-") for each in headings}


def test_every_topic_of_the_outbox_is_watched() -> None:
    of_authority = ca_outbox_handlers(None)  # type: ignore[arg-type]  # nothing is called
    assert {*DirectoryPublishing.topics, *of_authority, "openid.logout"} == set(TOPICS)
