"""Sends mails by an SMTP relay, or writes them into a folder where none is set."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from threading import Timer
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from coinsphere.errors import ConfigurationError
from coinsphere.network.circuit_breaker import CircuitBreaker
from coinsphere.settings import Settings

_TIMEOUT = 5.0
"""Seconds that a relay may take for one answer."""
_TAKING = 3
"""Times that is what it may take to accept the text: a mail that is cut off there may be sent twice."""
_LONGEST = 6
"""Times that is what a mail may take altogether: a relay that answers byte by byte would never end."""
_FAILURES = 2
_REST_SECONDS = 30.0
"""So many failures in a row leave the relay alone for so long; then one mail tries."""
_PERMANENT = range(500, 600)
_READY, _CLOSING = 220, 421
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class RelayAway(OSError):
    """The relay failed a moment ago, and is not asked for a while."""


class Transport(Protocol):
    """Takes responsibility for one mail and returns once somebody else has it."""

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Send a mail, or raise the error."""
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
        relay = self._relay()
        with closing(relay), _cut_off(relay, _LONGEST * self.timeout):
            self._connect(relay)
            self._secure_and_log_in(relay)
            relay.send_message(mail, to_addrs=[recipient])
            # The relay has taken the mail: a failing farewell must not send it again.
            with suppress(smtplib.SMTPException, OSError):
                relay.quit()

    def _relay(self) -> smtplib.SMTP:
        if self._is_tls:
            return _PatientTls(timeout=self.timeout, context=ssl.create_default_context())
        return _Patient(timeout=self.timeout)

    def _connect(self, relay: smtplib.SMTP) -> None:
        host, port = self._parts.hostname or "", self._parts.port
        # Against this name TLS checks the certificate.
        relay._host = host  # type: ignore[attr-defined]  # noqa: SLF001  set by no public way but a connecting init
        code, reply = relay.connect(host, port or relay.default_port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, reply)

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


class _Waiting(smtplib.SMTP):
    """Waits longer for the answer to the text than for others."""

    def data(self, msg: Any) -> tuple[int, bytes]:
        if self.sock is not None:
            self.sock.settimeout(self.timeout * _TAKING)
        return super().data(msg)


class _Patient(_Waiting):
    default_port = 587


class _PatientTls(_Waiting, smtplib.SMTP_SSL):
    default_port = 465


@contextmanager
def _cut_off(relay: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """End the conversation after so long, wherever it is."""

    def cut() -> None:
        with suppress(OSError, AttributeError):
            relay.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # none before it is connected

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@dataclass(frozen=True, slots=True)
class Guarded:
    """A relay behind a circuit breaker, so that mails do not wait for a failing one in turn."""

    relay: Transport
    breaker: CircuitBreaker

    def send(self, mail_id: str, recipient: str, subject: str, text: str, html: str | None) -> None:
        """Send, or raise what went wrong; `RelayAway` without asking where the relay failed a moment ago."""
        if not self.breaker.admit():
            raise RelayAway("The relay failed a moment ago, and is left alone for a while.")
        try:
            self.relay.send(mail_id, recipient, subject, text, html)
        except OSError as error:
            if _is_of_relay(error):
                self.breaker.failed()
            else:
                self.breaker.succeeded()
            raise
        except ValueError:
            self.breaker.succeeded()
            raise
        self.breaker.succeeded()


def is_refusal(error: Exception) -> bool:
    """Whether a mail would be refused at every attempt: it cannot be written, or the answer is 5yz."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in _PERMANENT for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return error.smtp_code in _PERMANENT
    return isinstance(error, ValueError)


def _is_of_relay(error: OSError) -> bool:
    """Whether every other mail would fail alike: no answer, no way in, or the relay closes (421)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return error.smtp_code == _CLOSING
    return True


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
    breaker = CircuitBreaker("mail", _FAILURES, _REST_SECONDS)
    return Guarded(SmtpTransport(url, settings.mail_from), breaker)


def _is_relay(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def message(
    sender: str, mail_id: str, recipient: str, subject: str, *, text: str, html: str | None
) -> EmailMessage:
    """The mail in the format of RFC 5322, with the same Message-ID at each attempt.

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
