"""The settings of messages to people: what carries them, and the key that protects codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class MessagesBy(StrEnum):
    """What carries messages to people."""

    SPOOL = "spool"
    SMTP = "smtp"


class SmtpTls(StrEnum):
    """How the connection to the mail relay is protected."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True)
class MessageSettings:
    """One-time codes: what sends them, and the file with the key that protects codes and app secrets."""

    by: MessagesBy = MessagesBy.SPOOL
    folder: Path = Path("{data}/messages")
    key_file: Path = Path("{data}/secrets/unlock.key")
    smtp_host: str = "localhost"
    smtp_port: int = 587
    smtp_tls: SmtpTls = SmtpTls.STARTTLS
    smtp_user: str = ""
    smtp_password_file: Path | None = None
    smtp_from: str = "registration-authority@localhost"
    text_gateway: str = "<number>@localhost"
