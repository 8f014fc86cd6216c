"""How mails leave: an SMTP relay, or a folder where there is none."""

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from coinsphere.errors import ConfigurationError
from coinsphere.settings import Settings

_TIMEOUT = 20.0


class Transport(Protocol):
    """Takes one mail out of the house; returns once somebody else is responsible for it."""

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Send, or raise what went wrong."""
        ...


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """A relay by `smtp://` (with STARTTLS where it is offered) or `smtps://`."""

    url: str
    sender: str

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Hand the mail to the relay; raises `smtplib.SMTPException` or `OSError`."""
        parts = urlsplit(self.url)
        secure = parts.scheme == "smtps"
        connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
        with connect(
            parts.hostname or "", parts.port or (465 if secure else 587), timeout=_TIMEOUT
        ) as relay:
            relay.ehlo()
            if not secure and relay.has_extn("starttls"):
                relay.starttls()
            if parts.username:
                relay.login(unquote(parts.username), unquote(parts.password or ""))
            relay.send_message(message(self.sender, mail_id, recipient, subject, text, html))


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """A folder of `.eml` files, one a mail; the same mail sent twice is one file."""

    folder: Path
    sender: str

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Write the mail, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f".{mail_id}"
        unfinished.write_bytes(
            message(self.sender, mail_id, recipient, subject, text, html).as_bytes()
        )
        unfinished.rename(self.folder / f"{mail_id}.eml")


def build(settings: Settings) -> Transport:
    """The transport that the settings name.

    Raises:
        ConfigurationError: COINSPHERE_SMTP_URL is not of a form that is known.
    """
    if settings.smtp_url is None:
        return FolderTransport(settings.state / "mail", settings.mail_from)
    url = settings.smtp_url.get_secret_value()
    if urlsplit(url).scheme not in ("smtp", "smtps") or not urlsplit(url).hostname:
        raise ConfigurationError(
            "COINSPHERE_SMTP_URL must be smtp://host:port or smtps://host:port."
        )
    return SmtpTransport(url, settings.mail_from)


def message(
    sender: str, mail_id: str, recipient: str, subject: str, text: str, html: str | None
) -> EmailMessage:
    """The mail as RFC 5322 wants it; the same Message-ID at each attempt, so that a reader can drop a repetition."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = subject
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = f"<{mail_id}@coinsphere>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
    return mail
