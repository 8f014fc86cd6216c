"""What a mail looks like on its way out, and which relays are refused."""

import stat
from email import message_from_bytes, policy

import pytest
from pydantic import SecretStr

from coinsphere.errors import ConfigurationError
from coinsphere.notify import transport
from coinsphere.notify.transport import FolderTransport, Guarded, SmtpTransport
from coinsphere.settings import Settings

SENDER = "Coinsphere <no-reply@coinsphere.local>"


def _message(recipient="ada@example.org", subject="Olá"):
    return transport.message(SENDER, "7", recipient, subject, text="text", html="<p>html</p>")


def test_a_mail_has_both_forms_and_the_same_id_at_each_attempt():
    mail = message_from_bytes(_message().as_bytes(), policy=policy.default)
    assert (mail["To"], mail["Subject"], mail["Message-ID"]) == (
        "ada@example.org",
        "Olá",
        "<7@coinsphere>",
    )
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "nobody",
        "a@example.org, b@example.org",
        "A <a@example.org>",
        "a b@example.org",
        "a@example.org\r\nBcc: b@example.org",
    ],
)
def test_a_recipient_that_is_not_one_address_is_refused(recipient):
    with pytest.raises(ValueError, match=r"address|CR or LF"):
        _message(recipient=recipient)


def test_a_subject_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="linefeed"):
        _message(subject="x\r\nBcc: b@example.org")


def test_the_folder_keeps_one_private_file_a_mail(tmp_path):
    folder = tmp_path / "mail"
    for _ in range(2):
        FolderTransport(folder, SENDER).send("7", "ada@example.org", "Hello", "text", None)
    assert [path.name for path in folder.iterdir()] == ["7.eml"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("url", ["http://relay", "smtp://", "smtp://relay:x", "relay:25"])
def test_a_relay_of_an_unknown_form_is_refused_at_the_start(url):
    with pytest.raises(ConfigurationError, match="COINSPHERE_SMTP_URL"):
        transport.build(Settings(smtp_url=SecretStr(url)))


def test_the_settings_choose_the_transport_and_nothing_prints_the_password():
    assert isinstance(transport.build(Settings()), FolderTransport)
    relay = transport.build(Settings(smtp_url=SecretStr("smtps://me:secret@relay")))
    assert isinstance(relay, Guarded)
    assert isinstance(relay.relay, SmtpTransport)
    assert "secret" not in repr(relay)
