"""Settings: one TOML file over the defaults, checked whole at start; ``config/default.toml`` explains each.

Secrets are never settings; a setting names the file that holds one. ``{data}`` in a value stands for the
data folder. Relative paths begin at the project's folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

from app.domain.stock import UndeliveredCards
from app.errors import SpineError
from app.message_settings import MessageSettings
from app.settings_ca import SOFTHSM, CaSettings, RootSettings
from app.settings_cards import AttestationSettings
from app.settings_reading import SectionReader, read_sections
from app.settings_rules import development_stand_ins, problems_of


class InvalidSettings(SpineError):
    """The settings cannot be used. ``problems`` are sentences that each name the file and the key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InsecureDevelopmentWarning(UserWarning):
    """Something is in use that is good enough to try the product and must not be relied on."""


class Environment(StrEnum):
    """Whether development stand-ins are let in."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class OcspAhead(StrEnum):
    """For which certificates OCSP answers are made ahead: all, or those asked for in the last seven days."""

    ALL = "all"
    ASKED = "asked"


@dataclass(frozen=True)
class ServiceSettings:
    """What people see: the service's name and footer, a logo, and the origin in the browser's address bar."""

    name: str = "Spine RA"
    footer_text: str = "Spine RA is open source software. It is not affiliated with or endorsed by the NHS."
    logo_path: Path | None = None
    origin: str = "https://localhost:8443"
    environment: Environment = Environment.DEVELOPMENT


@dataclass(frozen=True)
class DataSettings:
    """The folder that holds everything that is written."""

    folder: Path = Path("var")


@dataclass(frozen=True)
class DatabaseSettings:
    """The system of record. ``sqlite:///<file>`` or ``postgresql+psycopg://<user>@<host>/<database>``."""

    url: str = "sqlite:///{data}/spine.db"


@dataclass(frozen=True)
class OpenidSettings:
    """The OpenID provider: its issuer (by default the service's origin), signing token, relying parties."""

    issuer: str = ""
    module: Path = Path(SOFTHSM)
    softhsm_conf: Path | None = Path("{data}/web/softhsm2.conf")
    token_label: str = "spine-ra-web"  # noqa: S105 - a name, no secret
    pin_file: Path = Path("{data}/web/pin")
    clients_file: Path = Path("{data}/web/openid_clients.toml")


@dataclass(frozen=True)
class DirectorySettings:
    """The LDAP directory: the socket that the worker writes to, and where others read."""

    ldapi_socket: Path = Path("{data}/directory/writer/run/ldapi")
    ldaps_url: str = "ldaps://localhost:1636"
    folder: Path = Path("{data}/directory")
    replicas: Path = Path("{data}/directory-replicas")


class WhenStatusUnknown(StrEnum):
    """What becomes of a signature when no CRL tells of its certificate."""

    REFUSE = "refuse"
    OWN_RECORD = "own-record"


@dataclass(frozen=True)
class ValidationSettings:
    """Certification paths: policies of former days, and how revocation lists are fetched and believed."""

    former_policies: str = ""
    crl_largest_kilobytes: int = 8192
    crl_within_seconds: int = 5
    crl_longest_age_hours: int = 72
    root_crl_longest_age_days: int = 400
    when_status_unknown: WhenStatusUnknown = WhenStatusUnknown.REFUSE


@dataclass(frozen=True)
class SignaturesSettings:
    """Verifying signatures: until when SHA-1 is believed, which programs may ask, how often."""

    sha1_before: str = ""
    api_keys_file: Path = Path("{data}/signatures/api_keys.toml")
    limit_per_minute: int = 600

    @property
    def sha1_before_moment(self) -> datetime | None:
        """The beginning of that day, UTC; None when SHA-1 is not believed at all."""
        if not self.sha1_before:
            return None
        return datetime.combine(date.fromisoformat(self.sha1_before), datetime.min.time(), UTC)


@dataclass(frozen=True)
class StatusSettings:
    """Where CRLs, OCSP and CA certificates are fetched; certificates carry this address for life.

    ``folder`` holds what the status service keeps; ``ocsp_ahead`` says which OCSP answers are made ahead.
    """

    origin: str = "http://127.0.0.1:8080"
    folder: Path = Path("{data}/status")
    ocsp_ahead: OcspAhead = OcspAhead.ALL


@dataclass(frozen=True)
class StockSettings:
    """What happens when a desk presents a card that no delivery brought."""

    undelivered_cards: UndeliveredCards = UndeliveredCards.RECORDED


@dataclass(frozen=True)
class AgentSettings:
    """The card agent on the user's own machine, and the kind of card that desks issue."""

    origin: str = "http://127.0.0.1:24727"
    card_profile: str = "softhsm"


@dataclass(frozen=True)
class SessionSettings:
    """How long a sign-in lasts: without use, in minutes, and at most, in hours."""

    idle_minutes: int = 15
    absolute_hours: int = 10


@dataclass(frozen=True)
class WebSettings:
    """The web process: where it listens, its TLS files, and the file with the key that signs its cookies."""

    listen: str = "127.0.0.1"
    port: int = 8443
    tls_certificate: Path = Path("{data}/tls/server.crt")
    tls_key: Path = Path("{data}/tls/server.key")
    secret_key_file: Path = Path("{data}/secrets/web.key")


class WithoutKey(StrEnum):
    """What may be looked up by those who have no API key."""

    ENDPOINTS = "endpoints"
    NOTHING = "nothing"


@dataclass(frozen=True)
class LookUpsSettings:
    """The FHIR look-ups: their address, how they show the directory who they are, and who may ask."""

    origin: str = "https://localhost:8445"
    authority: Path = Path("{data}/tls/ca.pem")
    certificate: Path = Path("{data}/systems/look-ups.pem")
    key: Path = Path("{data}/systems/look-ups.key")
    api_keys_file: Path = Path("{data}/look-ups/api_keys.toml")
    without_key: WithoutKey = WithoutKey.ENDPOINTS
    limit_per_minute: int = 600
    intermediary_organisation: str = ""


@dataclass(frozen=True)
class MonitoringSettings:
    """Where Prometheus fetches metrics, the file with the token that it sends, and the replicas."""

    listen: str = "127.0.0.1"
    port: int = 9464
    token_file: Path | None = None
    replicas: str = ""


@dataclass(frozen=True)
class Settings:
    """All settings, checked. Paths are absolute."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    data: DataSettings = field(default_factory=DataSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    ca: CaSettings = field(default_factory=CaSettings)
    root: RootSettings = field(default_factory=RootSettings)
    openid: OpenidSettings = field(default_factory=OpenidSettings)
    directory: DirectorySettings = field(default_factory=DirectorySettings)
    look_ups: LookUpsSettings = field(default_factory=LookUpsSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    signatures: SignaturesSettings = field(default_factory=SignaturesSettings)
    attestation: AttestationSettings = field(default_factory=AttestationSettings)
    status: StatusSettings = field(default_factory=StatusSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    stock: StockSettings = field(default_factory=StockSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    session: SessionSettings = field(default_factory=SessionSettings)
    messages: MessageSettings = field(default_factory=MessageSettings)
    web: WebSettings = field(default_factory=WebSettings)

    @property
    def stand_ins(self) -> list[str]:
        """A sentence for each development stand-in that is in use."""
        return development_stand_ins(self)


def load(path: Path | None, base: Path | None = None) -> Settings:
    """The settings of the file over the defaults; the defaults alone when there is no file.

    Args:
        path: a TOML file.
        base: where relative paths begin; the project's folder unless given.

    Raises:
        InvalidSettings: with everything that is wrong: unknown sections and keys, values of the wrong kind,
            and, in production, development stand-ins.
    """
    reader = SectionReader(str(path or "settings"), base or _project_folder())
    sections = read_sections(Settings(), _tables(path), reader)
    settings = replace(Settings(), **sections)
    if not settings.openid.issuer:
        settings = replace(settings, openid=replace(settings.openid, issuer=settings.service.origin))
    problems = reader.problems or [f"{reader.name}: {problem}" for problem in _problems(settings)]
    if problems:
        raise InvalidSettings(problems)
    return settings


def _problems(settings: Settings) -> list[str]:
    refused = []
    if settings.service.environment is Environment.PRODUCTION:
        refused = [f"{sentence} Production refuses it." for sentence in settings.stand_ins]
    return problems_of(settings) + refused


def _tables(path: Path | None) -> Mapping[str, object]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text())
    except OSError as fault:
        raise InvalidSettings([f"{path}: cannot be read: {fault.strerror}."]) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise InvalidSettings([f"{path}: is not TOML: {fault}."]) from fault


def _project_folder() -> Path:
    checkout = Path(__file__).resolve().parents[1]
    return checkout if (checkout / "pyproject.toml").exists() else Path.cwd()
