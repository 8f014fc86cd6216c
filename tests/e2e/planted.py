"""Secrets that are planted in a running system, and all that it left behind, in a folder."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pyotp
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from dotenv import dotenv_values
from psycopg import sql

from coinsphere.local.postgres import binary
from coinsphere.settings import CREDENTIALS_FILE
from tests.conftest import free_port
from tests.fakes.exchange_binance import BinanceAccount
from tests.fakes.exchange_server import serving

PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
"""A seed phrase, which no field of ours takes."""


def canary(name: str) -> str:
    return f"canary-{name}-{secrets.token_hex(8)}"


@dataclass
class Outside:
    """What lies outside the system: a mail relay that wants a password, an exchange, keys of providers."""

    relay_password: str = field(default_factory=lambda: canary("relay"))
    node_key: str = field(default_factory=lambda: canary("node"))
    provider_key: str = field(default_factory=lambda: canary("provider"))
    account: BinanceAccount = field(
        default_factory=lambda: BinanceAccount(key=canary("key"), secret=canary("secret"))
    )
    mails: list[str] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        self.mails.append(envelope.content.decode())
        return "250 OK"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.add(data.password.decode())
        return AuthResult(success=data.password.decode() == self.relay_password)


@contextmanager
def outside() -> Iterator[Outside]:
    """A relay and an exchange that run in this process, and the settings that name them."""
    made = Outside()
    port = free_port()
    relay = Controller(
        made,
        hostname="127.0.0.1",
        port=port,
        authenticator=made.authenticate,
        auth_require_tls=False,
    )
    relay.start()
    try:
        with serving(made.account) as exchange:
            made.variables = {
                "COINSPHERE_SMTP_URL": f"smtp://coinsphere:{made.relay_password}@127.0.0.1:{port}",
                "COINSPHERE_COINGECKO_API_KEY": made.provider_key,
                "COINSPHERE_EXCHANGE_BASE_URL": exchange.url,
                # Nobody listens there, so that every question fails with the address in hand.
                "COINSPHERE_WALLET_NODES": f"ethereum=http://127.0.0.1:1/v2/{made.node_key}",
                "COINSPHERE_WALLET_PRIVATE_NETWORKS": "true",
            }
            yield made
    finally:
        relay.stop()


@dataclass
class User:
    """Somebody with secrets, who uses them rightly and wrongly; `heard` is what the API answered to that."""

    client: httpx2.Client
    email: str = field(default_factory=lambda: f"{secrets.token_hex(6)}@example.com")
    password: str = field(default_factory=lambda: canary("password"))
    known: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        """An answer, which must not hold a secret."""
        answer = self.client.request(method, path, json=body, **options)
        self.heard.append(f"{answer.headers}\n{answer.text}")
        return answer

    def given(self, path: str, body: Any = None) -> Any:
        """The body of a success which shows a secret, this once."""
        answer = self.client.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def settle(self, account: BinanceAccount, owner_url: str) -> None:
        """Come to have one of each kind of secret."""
        made = self.given("/auth/register", {"email": self.email, "password": self.password})
        self._sign_in(made)
        with psycopg.connect(owner_url, autocommit=True) as conn:
            conn.execute(
                "update app.users set email_verified = true where email = %s", [self.email]
            )
        self.known["totp secret"] = self.given("/2fa/setup")["secret"]
        code = pyotp.TOTP(self.known["totp secret"]).now()
        codes = self.given("/2fa/verify", {"token": code})["backupCodes"]
        self.known["recovery code"], self.known["spent recovery code"] = codes[:2]
        key = self.given("/api-keys", {"name": "k", "scopes": ["market:read"]})
        self.known["api key"] = key["key"]
        portfolio = self.given("/portfolios", {"name": "p"})["portfolio"]["id"]
        link = self.given(f"/portfolios/{portfolio}/shares", {})["share"]
        self.known["link"] = link["secret"]
        connected = self.ask("POST", "/exchanges/connect", self._key(account))
        assert connected.status_code == 201, connected.text

    def _sign_in(self, tokens: dict[str, Any]) -> None:
        number = len([name for name in self.known if name.startswith("access")])
        self.known[f"access token {number}"] = tokens["accessToken"]
        self.known[f"refresh token {number}"] = tokens["refreshToken"]
        self.client.headers["Authorization"] = f"Bearer {tokens['accessToken']}"

    def _key(self, account: BinanceAccount) -> dict[str, str]:
        return {"exchange": "binance", "apiKey": account.key, "apiSecret": account.secret}

    def use(self) -> None:
        """Each secret where it belongs."""
        spent = self.known["spent recovery code"]
        login = {"email": self.email, "password": self.password, "twoFactorToken": spent}
        self._sign_in(self.given("/auth/login", login))
        self._sign_in(self.given("/auth/refresh", {"refreshToken": self.known["refresh token 1"]}))
        bearer = {"Authorization": f"Bearer {self.known['api key']}"}
        assert self.ask("GET", "/tokens", headers=bearer).status_code == 200
        assert self.ask("GET", f"/shared/{self.known['link']}").status_code == 200
        assert self.ask("POST", "/auth/forgot-password", {"email": self.email}).status_code == 200

    def err(self, account: BinanceAccount) -> None:
        """Each secret where it does not belong, and in the wrong type."""
        key = self._key(account)
        every = [self.password, account.secret, account.key, PHRASE, *self.known.values()]
        for secret in every:
            wrong = [
                self.ask("POST", "/auth/login", {"email": secret, "password": [secret]}),
                self.ask("POST", "/auth/login", {"email": {"x": secret}, "x": secret}),
                self.ask("POST", "/auth/reset-password", {"token": {"x": secret}}),
                self.ask(
                    "POST", "/exchanges/connect", {**key, "passphrase": [secret], "x": secret}
                ),
                self.ask("POST", "/defi/connect", {"address": secret, "blockchain": "ethereum"}),
                self.ask("POST", "/alerts", {"alertType": secret, "threshold": secret}),
                self.ask("GET", "/tokens", params={"limit": secret, "token": secret}),
                self.ask("GET", "/auth/me", headers={"Authorization": f"Basic {secret}"}),
                self.ask("POST", f"/shared/{secret}"),
                self.client.post("/auth/login", content=f'{{"password": "{secret}"'),
            ]
            self.heard.append(wrong[-1].text)
            assert {each.status_code // 100 for each in wrong} == {4}, [each.text for each in wrong]
        wallet = {"address": f"0x{secrets.token_hex(20)}", "blockchain": "ethereum"}
        assert self.ask("POST", "/defi/connect", wallet).status_code == 201

    def break_down(self, account: BinanceAccount, owner_url: str) -> None:
        """Each kind of secret in the hands of a request that ends in a fault of ours."""
        with self._without(owner_url, "login_failures"):
            login = {"email": self.email, "password": self.password}
            assert self.ask("POST", "/auth/login", login).status_code == 500
        with self._without(owner_url, "exchange_connections"):
            broken = self.ask("POST", "/exchanges/connect", self._key(account))
            assert broken.status_code == 500
        with self._without(owner_url, "refresh_tokens"):
            spent = {"refreshToken": self.known["refresh token 2"]}
            assert self.ask("POST", "/auth/refresh", spent).status_code == 500

    @contextmanager
    def _without(self, owner_url: str, table: str) -> Iterator[None]:
        """The system without a table, as after a deployment that went wrong."""
        away = f"{table}_away"
        rename = sql.SQL("alter table app.{} rename to {}")
        with psycopg.connect(owner_url, autocommit=True) as conn:
            conn.execute(rename.format(sql.Identifier(table), sql.Identifier(away)))
            try:
                yield
            finally:
                conn.execute(rename.format(sql.Identifier(away), sql.Identifier(table)))


def collect(system_home: Path, folder: Path, redis_url: str, pages: list[str]) -> None:
    """What a run left in its servers, as files: dumps of the databases, what Redis holds, metrics."""
    # Of the owner of a table some rows are hidden.
    superuser = str(dotenv_values(system_home / CREDENTIALS_FILE)["POSTGRES_SUPERUSER_URL"])
    for name in ("coinsphere", "dagster", "mlflow"):
        url = f"{superuser.rpartition('/')[0]}/{name}"
        dump = [str(binary("pg_dump")), f"--file={folder / f'{name}.sql'}", url]
        subprocess.run(dump, check=True)
    with redis.Redis.from_url(redis_url) as cache, (folder / "redis").open("wb") as kept:
        for key in cache.scan_iter():
            kept.write(key + b"\n" + (cache.dump(key) or b"") + b"\n")
    for number, page in enumerate(pages):
        answer = httpx2.get(page, trust_env=False, follow_redirects=True, timeout=60)
        (folder / f"page-{number}").write_text(f"{answer.headers}\n{answer.text}")
