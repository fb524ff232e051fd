"""What carries messages to people: SMTP, or for trying a folder that somebody looks into."""

from __future__ import annotations

import smtplib
import ssl
import time
import warnings
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

from app.domain.one_time_code import Channel
from app.errors import Unavailable
from app.message_settings import MessageSettings, SmtpTls
from app.settings import InsecureDevelopmentWarning

_TIMEOUT_SECONDS = 20


class SpoolSender:
    """Writes each message into a folder, readable by the owner alone: a stand-in for trying the product."""

    def __init__(self, folder: Path) -> None:
        warnings.warn(
            f"Messages to people are written into {folder}, not sent.",
            InsecureDevelopmentWarning,
            stacklevel=2,
        )
        self._folder = folder

    def send(self, channel: Channel, to: str, subject: str, text: str) -> None:
        """Write it, whole or not at all. Raises Unavailable."""
        name = f"{time.time_ns()}-{channel.value}.txt"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self._folder / f".{name}"
            beside.touch(mode=0o600)
            beside.write_text(f"To: {to}\nSubject: {subject}\n\n{text}\n")
            beside.rename(self._folder / name)
        except OSError as fault:
            raise Unavailable("messages", f"{self._folder} cannot be written: {fault.strerror}.") from fault


class SmtpSender:
    """Sends e-mail through a relay (RFC 5321); text messages as e-mail to the relay's gateway."""

    def __init__(self, settings: MessageSettings) -> None:
        self._settings = settings

    def send(self, channel: Channel, to: str, subject: str, text: str) -> None:
        """Send it. Raises Unavailable, with what the relay said."""
        message = EmailMessage()
        message["From"], message["To"] = self._settings.smtp_from, self._address(channel, to)
        message["Subject"], message["Message-ID"] = subject, make_msgid(domain="spine-ra.invalid")
        message.set_content(text)
        try:
            with self._connection() as connection:
                connection.send_message(message)
        except (OSError, smtplib.SMTPException) as fault:
            raise Unavailable(
                "messages", f"The mail relay did not take it ({type(fault).__name__})."
            ) from fault

    def _address(self, channel: Channel, to: str) -> str:
        if channel is Channel.EMAIL:
            return to
        return self._settings.text_gateway.replace("<number>", to.lstrip("+"))

    def _connection(self) -> smtplib.SMTP:
        settings, context = self._settings, ssl.create_default_context()
        if settings.smtp_tls is SmtpTls.IMPLICIT:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_SECONDS)
        if settings.smtp_tls is SmtpTls.STARTTLS:
            connection.starttls(context=context)
        if settings.smtp_user and settings.smtp_password_file:
            connection.login(settings.smtp_user, settings.smtp_password_file.read_text().strip())
        return connection
