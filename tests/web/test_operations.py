"""The operator's page: what it says in words, and what the plots say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.figures import Sample, Waiting
from app.ra.operating import ServiceState
from app.web.presenters.operations import OperationsPage, duration
from app.web.presenters.plot import STEPS, Plot, plot
from tests.support.web import Site

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
BACK = timedelta(hours=3)
WELL = {"part_up:directory": 1.0, "part_up:ca": 1.0, "directory_connections": 4.0}


def sample(minutes_ago: float, **figures: float) -> Sample:
    named = {name.replace("__", ":"): value for name, value in figures.items()}
    return Sample(NOW - timedelta(minutes=minutes_ago), WELL | named)


def page(*samples: Sample, waiting: tuple[Waiting, ...] = (), answers: bool = True) -> OperationsPage:
    newest = samples[-1] if samples else None
    return OperationsPage.of(ServiceState(NOW, waiting, newest, samples, answers), BACK)


def plot_of(shown: OperationsPage, name: str) -> Plot:
    return next(each for each in shown.plots if each.name == name)


def test_a_directory_that_has_everything_is_up_to_date() -> None:
    shown = page(sample(1))
    assert shown.sentences == ("The directory is up to date.",)
    assert shown.warnings == ()
    assert [row.tag.text for row in shown.parts if row.tag] == ["Answers"] * 4 + ["Not known"]


def test_what_waits_for_the_directory_is_said_with_its_age() -> None:
    waiting = (
        Waiting("directory.organisation", 400, NOW - timedelta(minutes=1), 0),
        Waiting("directory.person", 12, NOW - timedelta(minutes=3, seconds=20), 2),
        Waiting("openid.logout", 1, NOW, 0),
    )
    shown = page(sample(1), waiting=waiting)
    assert shown.sentences == ("412 changes are waiting for the directory, the oldest for 3 minutes.",)
    assert shown.warnings == (
        "The directory: 2 changes of 412 failed and will be tried again. See spine-ra health.",
    )
    rows = [[cell.text for cell in row] for row in shown.publishing.rows]
    assert rows == [
        ["The directory", "412", "3 minutes", "2"],
        ["The certificate authority", "0", "", "0"],
        ["Relying parties", "1", "0 seconds", "0"],
    ]


@pytest.mark.parametrize(("minutes", "said"), [(2, None), (4, "silent for 4 minutes"), (3000, "for 2 days")])
def test_a_worker_that_says_nothing_is_told_of(minutes: int, said: str | None) -> None:
    shown = page(sample(minutes))
    assert [said in each for each in shown.warnings] == ([True] if said else [])
    tags = {row.key: row.tag.text for row in shown.parts if row.tag}
    assert tags["Worker"] == ("Silent" if said else "Answers")
    assert tags["Directory"] == ("Not known" if said else "Answers")


def test_a_service_without_any_sample_says_that_it_knows_nothing() -> None:
    shown = page()
    assert shown.warnings == ("The worker has not said anything yet. Is it running?",)
    assert {each.summary for each in shown.plots} == {"Nothing is known for this time."}


def test_parts_that_do_not_answer_are_shown_so() -> None:
    shown = page(sample(1, part_up__directory=0.0), answers=False)
    tags = {row.key: row.tag.text for row in shown.parts if row.tag}
    assert (tags["Directory"], tags["Certificate authority"]) == ("Does not answer", "Does not answer")


def test_operations_are_shown_a_minute_and_a_restart_breaks_the_line() -> None:
    counts = ((5, 100.0), (4, 160.0), (3, 280.0), (2, 10.0), (1, 40.0))
    shown = plot_of(
        page(*(sample(ago, directory_operations__Search=count) for ago, count in counts)), "operations"
    )
    assert "Last 30. Highest 120" in shown.summary
    assert [row[1].text for row in shown.table.rows] == ["30", "120", "60"]


def test_what_is_a_whole_number_but_for_a_second_is_said_as_one() -> None:
    """Samples are not a minute apart to the second, so that three sign-ins a minute are 2.99."""
    counts = ((2.0, 0.0), (0.997, 3.0))
    shown = plot_of(
        page(*(sample(ago, directory_operations__Search=count) for ago, count in counts)), "operations"
    )
    assert "Last 3. Highest 3," in shown.summary


def test_minutes_without_an_answer_are_a_gap_in_the_line() -> None:
    ago = [each for each in range(180, 0, -1) if not 60 < each <= 90]
    shown = plot_of(page(*map(sample, ago)), "connections")
    assert len(shown.lines) == 2
    assert "Last 4. Highest 4" in shown.summary


@pytest.mark.parametrize(
    ("strangers", "tag"), [(0.0, "Equal"), (1.0, "1 entry of nobody"), (3.0, "3 entries of nobody")]
)
def test_what_the_comparison_found_is_said(strangers: float, tag: str) -> None:
    compared = sample(
        1,
        directory_compared_timestamp_seconds=NOW.timestamp(),
        directory_differences_mended=1.0,
        directory_strangers=strangers,
    )
    (row,) = (row for row in page(compared).parts if row.key == "Directory's content")
    assert row.value == "Compared with the database 22 November 2026 at 3:00pm, 1 entry mended"
    assert row.tag
    assert row.tag.text == tag


def test_replicas_are_shown_when_there_are_some() -> None:
    replicas = {"directory_replica_up__a": 1.0, "directory_replica_lag_seconds__a": 75.0}
    shown = page(sample(1, **replicas, directory_replica_up__b=0.0))
    parts = {row.key: (row.value, row.tag.text) for row in shown.parts if row.tag}
    assert parts["Replica a"] == ("1 minute behind", "Answers")
    assert parts["Replica b"] == ("", "Does not answer")
    assert "Last 1 minute." in plot_of(shown, "replicas").summary
    assert not [each for each in page(sample(1)).plots if each.name == "replicas"]


@pytest.mark.parametrize("highest", [0, 0.2, 3, 4, 5, 7.5, 99, 100, 412, 1e6])
def test_a_plots_highest_value_fits_under_its_highest_label(highest: float) -> None:
    drawn = plot("n", "Title", [(NOW, highest)], NOW - BACK, NOW, str)
    places = [tick.place for tick in drawn.up]
    assert places[0] == 188
    assert places[-1] == 12
    ((x, y),) = drawn.single
    assert 12 <= y <= 188
    assert 64 <= x <= 632


def test_a_plot_has_one_point_a_step_and_a_short_table() -> None:
    points = [(NOW - timedelta(seconds=10 * number), float(number)) for number in range(1080, 0, -1)]
    drawn = plot("n", "Title", points, NOW - BACK, NOW, str)
    assert len(drawn.lines[0].split()) == STEPS
    assert len(drawn.table.rows) <= 12
    assert drawn.table.rows[-1][1].text == "1080.0"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (0.3, "less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (7300, "2 hours"),
        (2e5, "2 days"),
    ],
)
def test_durations_are_said_in_words(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.fixture
def watched(site: Site) -> Site:
    """A service that has run for an hour, with something waiting."""
    with site.office.ra.database.change() as work:
        for minute in range(60, 0, -1):
            figures = WELL | {
                "directory_operations:Search": 60.0 * (60 - minute),
                "announcements_waiting:x": minute,
            }
            work.monitoring.add(Sample(work.now - timedelta(minutes=minute), figures))
        work.outbox.add("directory.person", "555000000017")
    return site


@pytest.mark.parametrize(
    ("asked", "chosen"), [("", "3 hours"), ("?hours=24", "24 hours"), ("?hours=x", "3 hours")]
)
def test_the_page_shows_the_chosen_time(watched: Site, asked: str, chosen: str) -> None:
    browser = watched.as_role("manager")
    shown = browser.get(f"/operations{asked}")
    assert shown.heading == "How the service is"
    assert "waiting for the directory, the oldest for" in " ".join(shown.text.split())
    body = browser.client.get(f"/operations{asked}", base_url="https://localhost:8443").get_data(as_text=True)
    assert f'<strong aria-current="true">{chosen}</strong>' in body
    assert body.count("<polyline") >= 3


def test_an_authority_that_is_down_does_not_take_the_page_with_it(watched: Site) -> None:
    watched.office.ra.ca.is_down = True
    assert "Does not answer" in watched.as_role("manager").get("/operations").text
