"""How mails leave: an SMTP relay, or a folder where there is none."""

import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from coinsphere.errors import ConfigurationError
from coinsphere.settings import Settings

_TIMEOUT = 20.0
"""Seconds that a relay may take for one answer."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Transport(Protocol):
    """Takes one mail out of the house; returns once somebody else is responsible for it."""

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Send, or raise what went wrong."""
        ...


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """A relay by `smtp://` (with STARTTLS where it is offered) or `smtps://`."""

    url: str = field(repr=False)
    sender: str
    timeout: float = _TIMEOUT

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Hand the mail to the relay; raises `smtplib.SMTPException`, `OSError` or `ValueError`."""
        mail = message(self.sender, mail_id, recipient, subject, text=text, html=html)
        with closing(self._connect()) as relay:
            self._secure_and_log_in(relay)
            relay.send_message(mail, to_addrs=[recipient])
            # The relay has taken the mail: a failing farewell must not send it again.
            with suppress(smtplib.SMTPException, OSError):
                relay.quit()

    def _connect(self) -> smtplib.SMTP:
        host, port = self._parts.hostname or "", self._parts.port
        if self._is_tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port or 465, timeout=self.timeout, context=context)
        return smtplib.SMTP(host, port or 587, timeout=self.timeout)

    def _secure_and_log_in(self, relay: smtplib.SMTP) -> None:
        relay.ehlo()
        secured = self._is_tls
        if not secured and relay.has_extn("starttls"):
            relay.starttls(context=ssl.create_default_context())
            secured = True
        if self._parts.username is None:
            return
        if not secured and self._parts.hostname not in _LOOPBACK:
            # Whoever sits on the way can hide STARTTLS to be told the password.
            raise smtplib.SMTPNotSupportedError("the relay offers no TLS, so no password is sent")
        relay.login(unquote(self._parts.username), unquote(self._parts.password or ""))

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def _is_tls(self) -> bool:
        return self._parts.scheme == "smtps"


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """A folder of `.eml` files, one a mail; the same mail sent twice is one file."""

    folder: Path
    sender: str

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Write the mail, whole or not at all."""
        # Links that reset a password lie in it.
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.folder / f".{mail_id}"
        unfinished.write_bytes(
            message(self.sender, mail_id, recipient, subject, text=text, html=html).as_bytes()
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
    if not _is_relay(url):
        raise ConfigurationError(
            "COINSPHERE_SMTP_URL must be smtp://host:port or smtps://host:port."
        )
    return SmtpTransport(url, settings.mail_from)


def _is_relay(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def message(
    sender: str, mail_id: str, recipient: str, subject: str, *, text: str, html: str | None
) -> EmailMessage:
    """The mail as RFC 5322 wants it; the same Message-ID at each attempt, so that a reader can drop a repetition.

    Raises:
        ValueError: the recipient is not exactly one address, or a header holds a line break.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    # As one address: a text could name several.
    mail["To"] = _address(recipient)
    mail["Subject"] = subject
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = f"<{mail_id}@coinsphere>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
    return mail


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise ValueError(f"not a mail address: {text!r}") from error
