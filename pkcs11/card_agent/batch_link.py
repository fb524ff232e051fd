"""The agent's side of the batch API: collect a batch, and ask for one card after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from card_agent.desk_job import Party, as_party, as_table, as_text, as_whole, job_from_untrusted, unreadable
from card_agent.job_client import ClaimedJob
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection


@dataclass(frozen=True)
class NextCard:
    """What the site says next: how far the batch is, and the card's job; None when the batch is finished."""

    ended: int
    total: int
    claimed: ClaimedJob | None


@dataclass(frozen=True)
class BatchLink:
    """A batch that this agent has collected. Its cards' calls go by the same connection as its own."""

    connection: SiteConnection
    id: str
    title: str
    operator: Party
    ended: int
    total: int
    token: str

    @property
    def site(self) -> Site:
        """Return the site whose batch it is."""
        return self.connection.site

    def next(self) -> NextCard:
        """Ask for the next card. Raises JobRefused, JobUnusable or SiteUnavailable."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.connection.call("POST", f"/desk/batches/{self.id}/next", {}, headers)
        try:
            ended, total = as_whole(answer["ended"]), as_whole(answer["total"])
            job_token = as_text(answer.get("job_token") or "")
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable() from error
        if "job" not in answer:
            return NextCard(ended, total, None)
        job = job_from_untrusted(answer["job"])
        return NextCard(ended, total, ClaimedJob(self.connection, job, job_token))

    def pass_over(self) -> None:
        """Say that the holder whose turn it is, is not there. Raises JobRefused or SiteUnavailable."""
        headers = {"Authorization": f"Bearer {self.token}"}
        self.connection.call("POST", f"/desk/batches/{self.id}/pass-over", {}, headers)

    def __repr__(self) -> str:
        return f"BatchLink({self.site.origin}, {self.id})"


def claim_batch(site: Site, ticket: str) -> BatchLink:
    """Exchange the one-time ticket for the batch. Raises JobRefused or SiteUnavailable."""
    connection = SiteConnection(site)
    answer = connection.call("POST", "/desk/batches/claim", {"ticket": ticket}, {})
    try:
        return _link(connection, as_table(answer["batch"]), as_text(answer["job_token"]))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error


def _link(connection: SiteConnection, table: Mapping[str, object], token: str) -> BatchLink:
    return BatchLink(
        connection=connection,
        id=as_text(table["id"]),
        title=as_text(table["title"]),
        operator=as_party(table["operator"]),
        ended=as_whole(table["ended"]),
        total=as_whole(table["total"]),
        token=token,
    )
