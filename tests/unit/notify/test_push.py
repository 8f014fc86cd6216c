"""Push messages of browsers, against the example of RFC 8291 and a browser's own half of it."""

import base64
import json
import secrets
from datetime import UTC, datetime
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.notify.channels import kinds, push, receiver
from coinsphere.notify.channels.receiver import Answer, Message, ReceiverFault, Verdict

NOW = datetime.now(UTC)
USER = UUID(int=5)
KEY = push.sender_key(b"k" * 32, USER)


def data(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Browser:
    """The other half: what a browser keeps of a subscription, and how it opens a message (RFC 8291 3, RFC 8188 2)."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = secrets.token_bytes(16)

    @property
    def point(self) -> bytes:
        form = serialization.PublicFormat.UncompressedPoint
        return self.key.public_key().public_bytes(serialization.Encoding.X962, form)

    def subscription(self, url: str) -> dict[str, str]:
        return {"url": url, "p256dh": text(self.point), "auth": text(self.auth)}

    def opened(self, content: bytes) -> bytes:
        salt, length = content[:16], content[20]
        other, record = content[21 : 21 + length], content[21 + length :]
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), other)
        shared = self.key.exchange(ec.ECDH(), sender)

        def derived(start: bytes, secret: bytes, info: bytes, size: int) -> bytes:
            return HKDF(hashes.SHA256(), size, start, info).derive(secret)

        secret = derived(self.auth, shared, b"WebPush: info\0" + self.point + other, 32)
        key = derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = derived(salt, secret, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, record, None)
        content, _, padding = padded.rpartition(b"\x02")
        assert padding.strip(b"\0") == b""
        return content


def made(url: str = "https://push.example/x", **more: str) -> push.WebPush:
    fields = {"key": KEY, "contact": "mailto:a@example.com", **Browser().subscription(url), **more}
    return kinds.make("web_push", fields, is_private_allowed=False)


def test_the_example_of_the_standard_is_sealed_to_the_byte() -> None:
    """RFC 8291, section 5 and appendix A."""
    private = int.from_bytes(data("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    point = (
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    sealed = push.sealed(
        b"When I grow up, I want to be a watermelon",
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data(point)),
        data("BTBZMqHH6r4Tts7J_aSIgg"),
        sender=ec.derive_private_key(private, ec.SECP256R1()),
        salt=data("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert text(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.text(max_size=400), st.text(max_size=3000))
@settings(max_examples=60, deadline=None)
def test_a_browser_opens_what_is_sent_and_knows_the_sender(title, body) -> None:
    browser = Browser()
    to = kinds.make(
        "web_push",
        {
            "key": KEY,
            "contact": "mailto:a@example.com",
            **browser.subscription("https://p.example/1"),
        },
        is_private_allowed=False,
    )
    to = kinds.unpack("web_push", kinds.pack(to))
    title, body = (
        each.encode("utf-16", "replace").decode("utf-16", "replace") for each in (title, body)
    )
    message = Message(UUID(int=7), "alert.fired", NOW, title, body, "{}")
    sent = to.request(message, NOW)
    assert len(sent.content) <= 4096
    told = json.loads(browser.opened(sent.content))
    assert told["id"] == str(UUID(int=7))
    assert title.startswith(told["title"].removesuffix("…"))
    assert body.startswith(told["text"].removesuffix("…"))
    scheme, token, key = sent.headers["authorization"].replace(",", "").split(" ")
    assert scheme == "vapid"
    known = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), data(key.removeprefix("k="))
    )
    claims = jwt.decode(
        token.removeprefix("t="), known, algorithms=["ES256"], audience="https://p.example"
    )
    assert claims["sub"] == "mailto:a@example.com"
    assert key.removeprefix("k=") == push.public_key(KEY)
    assert sent.headers["topic"] == text(UUID(int=7).bytes)


def test_each_message_has_a_key_of_its_own() -> None:
    message = Message(UUID(int=7), "t", NOW, "a", "b", "{}")
    to = made()
    assert to.request(message, NOW).content[:86] != to.request(message, NOW).content[:86]


def test_each_user_is_asked_by_a_key_of_their_own() -> None:
    assert push.sender_key(b"k" * 32, USER) == KEY
    others = {
        push.sender_key(b"k" * 32, UUID(int=6)),
        push.sender_key(b"l" * 32, USER),
        KEY,
    }
    assert len(others) == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://push.example/x"),
        ("url", "https://push.example:8443/x"),
        ("url", "push"),
        ("p256dh", "A" * 87),
        ("p256dh", "short"),
        ("auth", "A" * 21),
        ("auth", "!" * 22),
    ],
)
def test_what_is_no_subscription_is_refused(field, value) -> None:
    with pytest.raises(ReceiverFault) as refused:
        made(**{field: value})
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("status", "said"),
    [(201, Verdict.TAKEN), (404, Verdict.GONE), (410, Verdict.GONE), (429, Verdict.AWAY)],
)
def test_a_subscription_that_ended_is_gone(status, said) -> None:
    assert receiver.verdict(made(), Answer(status)) is said
