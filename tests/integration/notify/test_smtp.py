"""The SMTP transport against relays that take mails, refuse them, hang, die, or cannot be trusted."""

import smtplib
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from coinsphere.network.circuit_breaker import CircuitBreaker
from coinsphere.notify.transport import Guarded, RelayAway, SmtpTransport, is_refusal
from tests.certificates import self_signed
from tests.prometheus import not_made

from .conftest import SENDER, Relay, serve

MAIL = ("7", "ada@example.org", "Olá", "text", "<p>html</p>")


def test_a_relay_takes_the_mail_for_its_one_recipient(relay):
    relay.transport().send(*MAIL)
    ((recipients, content),) = relay.taken
    assert recipients == ["ada@example.org"]
    assert b"Message-ID: <7@coinsphere>" in content


@pytest.mark.parametrize(
    ("command", "reply"),
    [("RCPT", "550 no such user"), ("RCPT", "451 later"), ("DATA", "554 refused")],
)
def test_a_refusal_is_an_error(relay, command, reply):
    relay.answers[command] = reply
    with pytest.raises(smtplib.SMTPException, match=reply[:3]):
        relay.transport().send(*MAIL)
    assert relay.taken == []


def test_a_strange_farewell_does_not_undo_a_mail_that_was_taken(relay):
    relay.answers["QUIT"] = "500 what"
    relay.transport().send(*MAIL)
    assert len(relay.taken) == 1


def test_no_relay_is_an_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConnectionRefusedError):
            SmtpTransport(url, SENDER).send(*MAIL)


@contextmanager
def _scripted_relay(*replies: bytes, hang: bool):
    """A relay that answers with `replies`, one for each packet, and then hangs or cuts the connection."""
    release = threading.Event()

    def serve_one() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 relay\r\n")
            for reply in replies:
                connection.recv(65536)
                connection.sendall(reply)
            connection.recv(65536)
            if hang:
                release.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one)
        thread.start()
        try:
            yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            release.set()
            thread.join()


_UP_TO_DATA = (b"250 relay\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n")


@pytest.mark.parametrize("hang", [True, False], ids=["hangs", "dies"])
@pytest.mark.parametrize("replies", [(), _UP_TO_DATA], ids=["at once", "in the middle"])
def test_a_relay_that_hangs_or_dies_is_an_error(replies, hang):
    with (
        _scripted_relay(*replies, hang=hang) as url,
        pytest.raises(smtplib.SMTPServerDisconnected),
    ):
        SmtpTransport(url, SENDER, timeout=0.3).send(*MAIL)


def test_a_relay_that_answers_byte_by_byte_is_cut_off():
    def serve_one() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while not ended.is_set():
                connection.sendall(b"2")
                ended.wait(0.05)

    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one)
        thread.start()
        url = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with pytest.raises(OSError):  # noqa: PT011  whichever way the cut shows
                SmtpTransport(url, SENDER, timeout=0.3).send(*MAIL)
        finally:
            ended.set()
            thread.join()


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_relay_that_fails_is_left_alone_and_one_that_refuses_a_mail_is_not(relay):
    clock = _Clock()
    guarded = Guarded(relay.transport(), CircuitBreaker("mail", 2, 30.0, clock))
    relay.answers["RCPT"] = "550 no such user"
    for _ in range(3):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            guarded.send(*MAIL)
        assert is_refusal(refused.value)
    del relay.answers["RCPT"]
    relay.answers["DATA"] = "421 closing"
    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError) as later:
            guarded.send(*MAIL)
        assert not is_refusal(later.value)
    del relay.answers["DATA"]
    before = not_made("mail")
    with pytest.raises(RelayAway):
        guarded.send(*MAIL)
    assert not_made("mail") - before == 1
    clock.now = 30.0
    guarded.send(*MAIL)
    guarded.send(*MAIL)
    assert len(relay.taken) == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine that nobody signed but itself."""
    now, day = datetime.now(UTC), timedelta(days=1)
    return self_signed(tmp_path_factory.mktemp("tls"), now - day, now + day)


def test_a_relay_whose_certificate_is_not_trusted_gets_nothing(certificate):
    relay = Relay()
    controller = serve(relay, tls_context=certificate)
    try:
        with pytest.raises(ssl.SSLCertVerificationError):
            relay.transport().send(*MAIL)
    finally:
        controller.stop()
    assert relay.taken == []


def test_no_password_goes_to_a_relay_without_tls():
    relay = Relay()
    controller = serve(relay, host="127.0.0.2", auth_require_tls=False)
    try:
        with pytest.raises(smtplib.SMTPNotSupportedError, match="no TLS"):
            SmtpTransport(f"smtp://me:secret@127.0.0.2:{relay.port}", SENDER).send(*MAIL)
    finally:
        controller.stop()
    assert relay.taken == []
