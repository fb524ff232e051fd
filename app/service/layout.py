"""Where everything of the one-machine service lies: folders, files and ports, all from one data folder."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
THIS_MACHINE = "localhost"
IN_A_FOLDER, IN_READERS = "softhsm", "smartcard-hsm"
"""The card profiles that a service on one machine can begin with."""
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - only when --host names the machine for others


@dataclass(frozen=True)
class Layout:
    """The places of one data folder.

    Attributes:
        folder: the data folder, absolute.
        project: the project's root folder.
        port_offset: added to every port, so that two services fit on one machine.
        host: the name under which browsers and systems reach the servers. With ``localhost`` everything
            listens on loopback; with another name the servers listen on every address. The card agent, the
            unix sockets and the folder stay this machine's alone.
        card_profile: the kind of card that is issued here.
    """

    folder: Path
    project: Path
    port_offset: int = 0
    host: str = THIS_MACHINE
    card_profile: str = IN_A_FOLDER

    @property
    def has_readers(self) -> bool:
        """Whether the cards lie in PC/SC readers that run here, and not in a folder alone."""
        return self.card_profile != IN_A_FOLDER

    @property
    def listen(self) -> str:
        """The address that the servers listen on."""
        return LOOPBACK if self.host == THIS_MACHINE else _EVERY_ADDRESS

    @property
    def web_port(self) -> int:
        """The RA pages, sign-in, OpenID and the desk API, over TLS."""
        return 8443 + self.port_offset

    @property
    def relying_party_port(self) -> int:
        """The demonstration relying party, over TLS."""
        return 8444 + self.port_offset

    @property
    def look_ups_port(self) -> int:
        """FHIR look-ups of systems and endpoints, over TLS."""
        return 8445 + self.port_offset

    @property
    def metrics_port(self) -> int:
        """Metrics for Prometheus, loopback only."""
        return 9464 + self.port_offset

    @property
    def web_metrics_port(self) -> int:
        """The web server's own metrics, loopback only."""
        return 9465 + self.port_offset

    @property
    def look_ups_metrics_port(self) -> int:
        """The look-ups' server's own metrics, loopback only."""
        return 9466 + self.port_offset

    @property
    def status_port(self) -> int:
        """CRL, OCSP and CA certificates, plain HTTP as RFC 5280 and RFC 6960 expect."""
        return 8080 + self.port_offset

    @property
    def agent_port(self) -> int:
        """The card agent, loopback only."""
        return 24727 + self.port_offset

    @property
    def ldaps_port(self) -> int:
        """The directory."""
        return 1636 + self.port_offset

    @property
    def ports(self) -> tuple[tuple[int, str], ...]:
        """Every port on loopback, and what it is for."""
        return (
            (self.web_port, "the web service"),
            (self.relying_party_port, "the prescribing screen"),
            (self.look_ups_port, "the FHIR look-ups"),
            (self.metrics_port, "the metrics"),
            (self.web_metrics_port, "the web server's metrics"),
            (self.look_ups_metrics_port, "the look-ups' metrics"),
            (self.status_port, "certificate status"),
            (self.ldaps_port, "the directory"),
            (self.agent_port, "the card agent"),
        )

    @property
    def sockets(self) -> tuple[Path, ...]:
        """Every unix socket."""
        cards = (self.desk / "run" / "pcscd.comm",) if self.has_readers else ()
        return (self.folder / "run" / "ca.sock", self.directory / "run" / "ldapi", *cards)

    @property
    def attestation_roots(self) -> Path:
        """The makers of cards whose proofs are believed; emulated cards have a maker of their own here."""
        return self.desk / "maker" if self.has_readers else self.project / "config" / "attestation"

    @property
    def directory(self) -> Path:
        """The directory's own folder."""
        return self.folder / "directory"

    @property
    def systems(self) -> Path:
        """Keys and certificates of the accredited systems, and the authorities they lead to."""
        return self.folder / "systems"

    @property
    def people_file(self) -> Path:
        """Who can sign in with which card and PIN; readable by the owner alone."""
        return self.folder / "secrets" / "people.json"

    @property
    def command(self) -> str:
        """How to start the service on this folder again, as typed into a shell in the project's folder."""
        is_default = self.folder == default_folder(self.project)
        return "./run" if is_default else f"./run --data {shlex.quote(str(self.folder))}"

    @property
    def web_origin(self) -> str:
        """The origin that people and relying parties see; also the OpenID issuer."""
        return f"https://{self.host}:{self.web_port}"

    @property
    def relying_party_origin(self) -> str:
        """The demonstration relying party. On loopback by another host name: cookies are not shared then."""
        return f"https://{self._plain_host}:{self.relying_party_port}"

    @property
    def look_ups_origin(self) -> str:
        """The FHIR look-ups, as systems reach them."""
        return f"https://{self.host}:{self.look_ups_port}"

    @property
    def verification_key(self) -> Path:
        """The prescribing screen's API key for the verification of signatures."""
        return self.relying_party / "verification.key"

    @property
    def look_ups_key(self) -> Path:
        """An API key to try the look-ups with; readable by the owner alone."""
        return self.folder / "secrets" / "look-ups.key"

    @property
    def status_origin(self) -> str:
        """The base of the CRL, OCSP and CA certificate addresses in certificates."""
        return f"http://{self._plain_host}:{self.status_port}"

    @property
    def ldaps_url(self) -> str:
        """The directory, as systems reach it."""
        return f"ldaps://{self.host}:{self.ldaps_port}"

    @property
    def _plain_host(self) -> str:
        return LOOPBACK if self.host == THIS_MACHINE else self.host

    @property
    def agent_origin(self) -> str:
        """The card agent, as the browser on this machine reaches it."""
        return f"http://127.0.0.1:{self.agent_port}"

    @property
    def settings_file(self) -> Path:
        """The settings that this service's programs are started with."""
        return self.folder / "settings.toml"

    @property
    def logs(self) -> Path:
        """One log a program."""
        return self.folder / "log"

    @property
    def tls(self) -> Path:
        """The local TLS authority and the servers' certificates."""
        return self.folder / "tls"

    @property
    def desk(self) -> Path:
        """The desk: cards in a drawer, two readers, the agent's settings."""
        return self.folder / "desk"

    @property
    def agent_settings(self) -> Path:
        """The card agent's settings."""
        return self.desk / "agent.toml"

    @property
    def relying_party(self) -> Path:
        """The demonstration relying party's settings and key."""
        return self.folder / "relying-party"


def default_folder(project: Path) -> Path:
    """The data folder when none is chosen."""
    return project / "var"
