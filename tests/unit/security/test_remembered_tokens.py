"""A verifier that remembers judges every token at every instant as one that does not."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.errors import ConfigurationError, TokenRefused
from coinsphere.security import access_tokens
from coinsphere.security.access_tokens import Verifier, sign_access_token, verify_access_token
from coinsphere.security.signing import key_folder, rotation
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.security.signing.keys import KeyState

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIFE = timedelta(minutes=10)
ISSUER = {"issuer": "coinsphere", "audience": "coinsphere-api"}


class World:
    """Tokens by key and time, judged by both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring = FileKeyring(folder, "EdDSA")
        self.verifier = Verifier(self.keyring, **ISSUER)
        self.now = START
        self.tokens: list[str] = []

    def sign(self) -> None:
        options = {"now": self.now, "life": LIFE, **ISSUER}
        self.tokens.append(sign_access_token(self.keyring, uuid4(), uuid4(), **options))

    def rotate(self) -> None:
        with suppress(ConfigurationError):
            rotation.rotate(self.folder, self.now, "EdDSA", LIFE)

    def revoke(self) -> None:
        """Of a key that may be used, now or soon: by a clock that was put back there may be none that signs yet."""
        usable = [
            record.kid
            for record in key_folder.records(self.folder)
            if record.state(self.now) in (KeyState.NEXT, KeyState.ACTIVE, KeyState.RETIRED)
        ]
        rotation.revoke(self.folder, usable[len(self.tokens) % len(usable)], self.now)

    def judged(self, token: str) -> tuple[object, object]:
        def outcome(judge) -> object:
            try:
                return judge()
            except TokenRefused as refusal:
                return type(refusal), str(refusal)

        plain = outcome(lambda: verify_access_token(token, self.keyring, now=self.now, **ISSUER))
        return plain, outcome(lambda: self.verifier.verify(token, self.now))


_STEPS = st.lists(
    st.one_of(
        st.sampled_from(["sign", "sign", "rotate", "revoke"]),
        st.integers(-40, 700).map(lambda seconds: timedelta(seconds=seconds)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(steps=_STEPS)
def test_what_is_remembered_is_judged_as_what_is_new(steps) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.sign()
        for step in steps:
            if isinstance(step, timedelta):
                world.now = max(START, world.now + step)
            else:
                getattr(world, step)()
            for token in world.tokens:
                plain, remembered = world.judged(token)
                assert plain == remembered


def test_a_token_is_computed_once_until_its_key_is_revoked(tmp_path, monkeypatch) -> None:
    computed = []

    class Counting(jwt.PyJWT):
        def decode(self, token, *arguments, **options):
            computed.append(token)
            return super().decode(token, *arguments, **options)

    monkeypatch.setattr(access_tokens, "_jwt", Counting(options=access_tokens._jwt.options))
    world = World(tmp_path)
    world.sign()
    (token,) = world.tokens
    for _ in range(5):
        world.verifier.verify(token, START)
    assert computed == [token]
    rotation.revoke(tmp_path, world.keyring.signing(START).kid, START)
    with pytest.raises(TokenRefused, match="unknown key"):
        world.verifier.verify(token, START)


def test_so_many_tokens_are_remembered_and_no_token_itself(tmp_path) -> None:
    world = World(tmp_path)
    verifier = Verifier(world.keyring, most=10, **ISSUER)
    for _ in range(30):
        world.sign()
        verifier.verify(world.tokens[-1], START)
        with pytest.raises(TokenRefused):
            verifier.verify(f"{world.tokens[-1]}x", START)
    assert len(verifier._known) == 10
    kept = repr(verifier._known)
    assert not any(token[-40:] in kept for token in world.tokens)
