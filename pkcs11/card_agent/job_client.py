"""The agent's side of the desk job API."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass

from card_agent.desk_job import (
    JSON_NAMES,
    IssuedCertificates,
    Job,
    certificates_from_untrusted,
    id_and_kind_from_untrusted,
    job_from_untrusted,
)
from card_agent.errors import SiteUnavailable
from card_agent.ports import Purpose
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection

# How long to wait before each further try of a step: the kept connection may have ended unseen, and a site
# that restarts in the middle is back within this time. The same step sent again has the same effect.
_PAUSES_SECONDS = (0, 0.5, 1, 2, 4, 8)


@dataclass(frozen=True)
class SignedApproval:
    """The operator's approval: the statement's bytes, the raw r || s signature, the DER certificate."""

    statement: bytes
    signature: bytes
    certificate: bytes

    def message(self) -> dict[str, str]:
        """As it travels."""
        return {name: as_base64(value) for name, value in vars(self).items()}


class JobLink:
    """A job of any kind that this agent has collected, and the calls it may make about it.

    Every call raises JobRefused (with the site's sentence) or SiteUnavailable.
    """

    def __init__(self, connection: SiteConnection, job_id: str, job_token: str) -> None:
        self.site = connection.site
        self.job_id = job_id
        self._connection = connection
        self._job_token = job_token

    def fetch(self) -> object:
        """Ask the site how far the job is; its JSON, not yet checked."""
        return self._call("GET", "").get("job")

    def approve(self, approval: SignedApproval, path: str) -> None:
        """Record a signed approval."""
        self.step(path, approval.message())

    def report_failure(self, step: str, reason: str) -> None:
        """Record that a step failed. The job stays open."""
        self._call("POST", "/failure", {"step": step, "reason": reason})

    def step(self, path: str, body: object) -> dict[str, object]:
        """PUT one step of the job, again and again while the site is down."""
        for pause in _PAUSES_SECONDS:
            try:
                return self._call("PUT", path, body)
            except SiteUnavailable:
                time.sleep(pause)
        return self._call("PUT", path, body)

    def _call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self._job_token}"}
        return self._connection.call(method, f"/desk/jobs/{self.job_id}{path}", body, headers)

    def rest(self) -> None:
        """Close the connection, until the next call."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.site.origin}, {self.job_id})"


class ClaimedJob(JobLink):
    """An issuance that this agent has collected."""

    def __init__(self, connection: SiteConnection, job: Job, job_token: str) -> None:
        super().__init__(connection, job.id, job_token)
        self.job = job

    def reload(self) -> None:
        """Ask the site how far the job is."""
        self.job = job_from_untrusted(self.fetch())

    def record_intention(
        self, card_serial: str, wrapped_so_pin: bytes, approval: SignedApproval | None
    ) -> None:
        """Record the operator's approval, which card is about to be initialised, and its wrapped SO PIN.

        ``approval`` is None where no operator approves.
        """
        body: dict[str, object] = {"card_serial": card_serial, "wrapped_so_pin": as_base64(wrapped_so_pin)}
        body["approval"] = approval.message() if approval else None
        self.step("/personalisation", body)

    def certify(
        self,
        requests: Mapping[Purpose, bytes],
        keys_signature: bytes | None,
        provenance: Mapping[Purpose, Mapping[str, object]],
    ) -> IssuedCertificates:
        """Send the CSRs and return the certificates. The same keys get the same certificates again.

        ``keys_signature`` is the desk key's over both keys; None where no operator approves.
        """
        body: dict[str, object] = {name: as_base64(requests[purpose]) for purpose, name in JSON_NAMES.items()}
        body["keys_signature"] = None if keys_signature is None else as_base64(keys_signature)
        body["provenance"] = {name: dict(provenance[purpose]) for purpose, name in JSON_NAMES.items()}
        return certificates_from_untrusted(self.step("/certificate-requests", body))

    def complete(self, read_back: Mapping[Purpose, str], proof: bytes) -> None:
        """Report the SHA-256 (hex) of each certificate read back, and the proof signature over the nonce."""
        digests = {name: read_back[purpose] for purpose, name in JSON_NAMES.items()}
        self.step("/completion", {"read_back": digests, "proof": as_base64(proof)})


@dataclass(frozen=True)
class CollectedJob:
    """What a ticket was exchanged for: the job's id and kind, its JSON not yet checked, and the job token.

    ``connection`` is the one on which it came, for what follows.
    """

    connection: SiteConnection
    id: str
    kind: str
    message: object
    job_token: str

    def __repr__(self) -> str:
        return f"CollectedJob({self.connection.site.origin}, {self.kind}, {self.id})"


def claim(site: Site, ticket: str) -> CollectedJob:
    """Exchange the one-time ticket for the job. Raises JobRefused or SiteUnavailable."""
    connection = SiteConnection(site)
    answer = connection.call("POST", "/desk/jobs/claim", {"ticket": ticket}, {})
    job_token = answer.get("job_token")
    if not isinstance(job_token, str):
        raise SiteUnavailable(f"{site.name} sent a job that cannot be read. Tell your IT service desk.")
    job_id, kind = id_and_kind_from_untrusted(answer.get("job"))
    return CollectedJob(connection, job_id, kind, answer.get("job"), job_token)


def as_base64(data: bytes) -> str:
    """Bytes as they travel in JSON."""
    return base64.b64encode(data).decode()
