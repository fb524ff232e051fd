"""The agent's side of the batch API: collect a batch, and ask for one card after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from card_agent.desk_job import Party, as_party, as_table, as_text, as_whole, job_from_untrusted, unreadable
from card_agent.job_client import ClaimedJob, call
from card_agent.settings import Site


@dataclass(frozen=True)
class NextCard:
    """What the site says next: how far the batch is, and the card's job; None when the batch is finished."""

    ended: int
    total: int
    claimed: ClaimedJob | None


@dataclass(frozen=True)
class BatchLink:
    """A batch that this agent has collected."""

    site: Site
    id: str
    title: str
    operator: Party
    ended: int
    total: int
    token: str

    def next(self) -> NextCard:
        """Ask for the next card. Raises JobRefused, JobUnusable or SiteUnavailable."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = call(self.site, "POST", f"/desk/batches/{self.id}/next", {}, headers)
        try:
            ended, total = as_whole(answer["ended"]), as_whole(answer["total"])
            job_token = as_text(answer.get("job_token") or "")
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable() from error
        if "job" not in answer:
            return NextCard(ended, total, None)
        return NextCard(ended, total, ClaimedJob(self.site, job_from_untrusted(answer["job"]), job_token))

    def pass_over(self) -> None:
        """Say that the holder whose turn it is, is not there. Raises JobRefused or SiteUnavailable."""
        headers = {"Authorization": f"Bearer {self.token}"}
        call(self.site, "POST", f"/desk/batches/{self.id}/pass-over", {}, headers)

    def __repr__(self) -> str:
        return f"BatchLink({self.site.origin}, {self.id})"


def claim_batch(site: Site, ticket: str) -> BatchLink:
    """Exchange the one-time ticket for the batch. Raises JobRefused or SiteUnavailable."""
    answer = call(site, "POST", "/desk/batches/claim", {"ticket": ticket}, {})
    try:
        return _link(site, as_table(answer["batch"]), as_text(answer["job_token"]))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error


def _link(site: Site, table: Mapping[str, object], token: str) -> BatchLink:
    return BatchLink(
        site=site,
        id=as_text(table["id"]),
        title=as_text(table["title"]),
        operator=as_party(table["operator"]),
        ended=as_whole(table["ended"]),
        total=as_whole(table["total"]),
        token=token,
    )
