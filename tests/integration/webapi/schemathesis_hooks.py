"""What schemathesis cannot guess: an account that is alive, and the proofs that an act of it wants.

schemathesis runs as a process of its own and loads this file (`SCHEMATHESIS_HOOKS`). Every second case whose
data is good gets, by its operation, what makes it succeed: a password, a code, a token of a mail, the id of a thing
that is there. What each operation was answered goes to `SCHEMA_TALLY`, for the test to read.
"""

import atexit
import base64
import json
import os
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import psycopg
import pyotp
import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response
from schemathesis.core.parameters import ParameterLocation

from coinsphere.accounts import opaque_tokens
from coinsphere.security.access_tokens import sign_access_token
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.settings import Settings
from tests.integration.webapi.authenticator import Authenticator
from tests.unit.parsing import test_pictures as pictures
from webapi.security import sessions
from webapi.security.passwords import Passwords

V1 = "/api/v1"
PASSWORD = "correct horse battery"
BACK = "https://app.example.com/back"
SETTINGS = Settings.from_env()
TALLY = Path(os.environ["SCHEMA_TALLY"])
MARK = "Bearer of the account of the moment"
_MOST_PORTFOLIOS = 80
_portfolios: Counter[UUID] = Counter()

_keyring = FileKeyring(SETTINGS.keys_dir)
_password_hash = Passwords().made(PASSWORD)
_db = psycopg.connect(os.environ["SCHEMA_OWNER_URL"], autocommit=True)
_db.execute("set search_path = app, market, model, jobs, public")
_http = httpx2.Client(base_url=os.environ["SCHEMA_URL"] + V1, timeout=20, trust_env=False)
_tally: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
_seen: defaultdict[str, int] = defaultdict(int)

_RESTORE = """
    update app.users set password_hash = %(hash)s, role = 'admin', is_active = true, email_verified = true,
        two_factor_enabled = false, totp_secret = null, totp_enabled_at = null, totp_last_step = null
    where id = %(id)s and (role <> 'admin' or not is_active or not email_verified or two_factor_enabled
        or totp_secret is not null or password_hash <> %(hash)s)
"""
# Plans are sold there, and the free one would soon be full.
_SUBSCRIBE = """
    insert into app.subscriptions
        (user_id, provider, reference, plan, status, period_started_at, period_ends_at, updated_at)
    values (%(id)s, 'stripe', 'sub_' || %(id)s, 'pro', 'active', now(), now() + interval '1 month', now())
    on conflict do nothing
"""
_IS_ALIVE = "select 1 from app.sessions where id = %(id)s and revoked_at is null and authenticated_at > %(since)s"

_PREDICTION = """
    with token as (select id from market.tokens where symbol = 'BTC'), panel as (
        insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)
        select %(digest)s, id, '2025-01-01', '2026-03-01', 400, 'binance', 'x' from token
        returning digest, token_id
    )
    insert into model.predictions
        (token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80, upper80,
         lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version, price_source)
    select token_id, 1, now(), now() + interval '1 day', now(), 100, '{}', 102, 98, 106, 90, 120, 'm', 1, 'lstm',
        digest, digest, 'c', 'binance'
    from panel
    returning id
"""


@dataclass
class Account:
    """An administrator with a confirmed address and a session that is good for everything."""

    email: str = field(default_factory=lambda: f"{secrets.token_hex(6)}@example.com")
    id: UUID = field(init=False)
    session_id: UUID | None = None

    def __post_init__(self) -> None:
        made = _db.execute(
            "insert into app.users (email, password_hash, email_verified, role)"
            " values (%s, %s, true, 'admin') returning id",
            [self.email, _password_hash],
        ).fetchone()
        assert made is not None
        self.id = made[0]

    def restore(self) -> None:
        """Undo what earlier cases did to it, but for what it made."""
        _db.execute(_RESTORE, {"hash": _password_hash, "id": self.id})
        _db.execute(_SUBSCRIBE, {"id": self.id})

    def token(self) -> str:
        """An access token, of a new session where the last one has ended or is no recent login."""
        now = datetime.now(UTC)
        since = now - timedelta(minutes=3)
        alive = _db.execute(_IS_ALIVE, {"id": self.session_id, "since": since}).fetchone()
        if alive is None:
            self.session_id = self.new_session()
        assert self.session_id is not None
        return sign_access_token(
            _keyring,
            self.id,
            self.session_id,
            issuer=SETTINGS.jwt_issuer,
            audience=SETTINGS.jwt_audience,
            now=now,
            life=timedelta(minutes=10),
        )

    def new_session(self) -> UUID:
        now = datetime.now(UTC)
        return sessions.open_session(
            _db, self.id, now, SETTINGS, user_agent=None, ip_address="127.0.0.1"
        )

    def refresh_token(self) -> str:
        """One of a session of its own."""
        return sessions.issue_refresh_token(_db, self.new_session(), datetime.now(UTC), SETTINGS)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The body of an answer that must be a success; what is being computed is asked for again."""
        answer = self._asked(method, path, body)
        for _ in range(5):
            if "problem:pending" not in answer.text:
                break
            answer = self._asked(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()

    def _asked(self, method: str, path: str, body: Any) -> Response:
        headers = {"Authorization": f"Bearer {self.token()}"}
        return _http.request(method, path, json=body, headers=headers)


@atexit.register
def _tell() -> None:
    TALLY.write_text(json.dumps(_tally))


class _Moment:
    """The account of the present case. What it made stays there for the cases that are linked to it."""

    account = Account()


@schemathesis.auth(refresh_interval=None)
class AccountOfTheMoment:
    """Marks the cases that are to be sent with a token: it is made when they are sent."""

    def get(self, case: Case, context: AuthContext) -> str:
        return MARK

    def set(self, case: Case, data: str, context: AuthContext) -> None:
        case.headers["Authorization"] = data


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    if _portfolios[_Moment.account.id] >= _MOST_PORTFOLIOS:
        # Nobody may have more than 200, and cases make some of their own.
        _Moment.account = Account()
    account, label = _Moment.account, case.operation.label
    if label in _OF_A_NEW_ACCOUNT:
        account = Account()
    account.restore()
    prepare = _PREPARED.get(label)
    if prepare is not None and _is_good(case):
        _seen[label] += 1
        if _seen[label] % 2:
            prepare(account, case)
    if (case.headers or {}).get("Authorization") == MARK:
        case.headers["Authorization"] = f"Bearer {account.token()}"


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    label = case.operation.label
    if response.request.method != case.operation.method.upper():
        return
    _tally[label][response.status_code] += 1
    if label == f"PUT {V1}/admin/features/{{feature}}" and response.status_code == 200:
        # What is off would answer 503 to everything after it.
        name = response.json()["feature"]["feature"]
        _Moment.account.ask("PUT", f"/admin/features/{name}", {"isOn": True})


def _is_good(case: Case) -> bool:
    return case.meta is None or not any(
        case.meta.is_negative_at(location) for location in ParameterLocation
    )


def _say(case: Case, **members: Any) -> None:
    """Give the body these members; the rest stays as it was generated."""
    case.body = {**(case.body if isinstance(case.body, dict) else {}), **members}


def _only(case: Case, **members: Any) -> None:
    case.body = members


def _path(case: Case, **arguments: object) -> None:
    case.path_parameters = {
        **case.path_parameters,
        **{name: str(value) for name, value in arguments.items()},
    }


def _login(account: Account, case: Case) -> None:
    _only(case, email=account.email, password=PASSWORD)


def _reset(account: Account, case: Case) -> None:
    _say(case, token=_link(account, "password_resets"), newPassword=secrets.token_hex(8))


def _verify(account: Account, case: Case) -> None:
    _only(case, token=_link(account, "email_verifications", email=account.email))


def _link(account: Account, table: str, **more: Any) -> str:
    token = opaque_tokens.new()
    now = datetime.now(UTC)
    row = {
        "user_id": account.id,
        "token_hash": opaque_tokens.digest(token),
        "created_at": now,
        "expires_at": now + timedelta(minutes=5),
        **more,
    }
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    _db.execute(f"insert into app.{table} ({names}) values ({values})", row)
    return token


def _setup(account: Account) -> pyotp.TOTP:
    return pyotp.TOTP(account.ask("POST", "/2fa/setup")["secret"])


def _enable(account: Account) -> list[str]:
    """The recovery codes of an account that has a second factor from now on."""
    code = _setup(account).now()
    return list(account.ask("POST", "/2fa/verify", {"token": code})["backupCodes"])


def _device(account: Account) -> tuple[Authenticator, str]:
    device = Authenticator(counts=False)
    made = account.ask("POST", "/passkeys", _registration(account, device))
    return device, made["passkey"]["id"]


def _registration(account: Account, device: Authenticator) -> dict[str, Any]:
    _db.execute("delete from app.passkeys where user_id = %s", [account.id])
    asked = account.ask("POST", "/passkeys/options")
    credential = device.create(asked["options"])
    return {"challengeId": asked["challengeId"], "credential": credential, "name": "phone"}


def _passkey_login(account: Account, case: Case) -> None:
    device, _ = _device(account)
    asked = _http.post("/passkeys/login/options").json()
    _only(case, challengeId=asked["challengeId"], credential=device.get(asked["options"]))


def _openid(_: Account, case: Case) -> None:
    """A login that the local provider has led back."""
    begun = _http.post("/auth/openid/begin", json={"redirectUri": BACK}).json()
    back = httpx2.get(begun["authorizationUrl"], trust_env=False).headers["Location"]
    brought = parse_qs(urlsplit(back).query)
    _only(
        case, code=brought["code"][0], state=brought["state"][0], loginSecret=begun["loginSecret"]
    )


def _portfolio(account: Account) -> str:
    _portfolios[account.id] += 1
    return str(account.ask("POST", "/portfolios", {"name": "p"})["portfolio"]["id"])


def _by_hand(account: Account, case: Case) -> None:
    body = {"tokenSymbol": "ETH", "amount": 1}
    made = account.ask("POST", f"/portfolios/{_portfolio(account)}/holdings", body)
    _path(case, holding_id=made["holding"]["id"])


def _change_by_hand(account: Account, case: Case) -> None:
    _by_hand(account, case)
    _only(case, amount="1.5")


def _open_by_hand(account: Account, case: Case) -> None:
    _path(case, portfolio_id=_portfolio(account))
    _only(case, tokenSymbol="ETH", amount="0.00014884")


def _bulk(account: Account, case: Case) -> None:
    one = {
        "type": "buy",
        "tokenSymbol": "BTC",
        "amount": 1,
        "price": 100,
        "timestamp": "2026-03-01T00:00:00Z",
    }
    _say(case, transactions=[{**one, "portfolioId": _portfolio(account)}])


def _key(account: Account, case: Case) -> None:
    _db.execute("delete from app.api_keys where user_id = %s", [account.id])
    made = account.ask("POST", "/api-keys", {"name": "k", "scopes": ["market:read"]})
    _path(case, key_id=made["apiKey"]["id"])


def _rotate(account: Account, case: Case) -> None:
    _key(account, case)
    _only(case)


def _trade(account: Account, portfolio: str, kind: str, **more: Any) -> str:
    body = {
        "portfolioId": portfolio,
        "tokenSymbol": "BTC",
        "type": kind,
        "amount": 1,
        "timestamp": "2026-03-01T00:00:00Z",
        **more,
    }
    return str(account.ask("POST", "/transactions", body)["transaction"]["id"])


def _transfer(account: Account, case: Case) -> None:
    one, two = _portfolio(account), _portfolio(account)
    _trade(account, one, "buy", price=100, timestamp="2026-02-28T00:00:00Z")
    out, arrival = _trade(account, one, "transfer_out"), _trade(account, two, "transfer_in")
    _path(case, portfolio_id=one)
    _say(case, outTransactionId=out, inTransactionId=arrival)


def _issue(account: Account, case: Case) -> None:
    portfolio = _portfolio(account)
    _trade(account, portfolio, "sell", price=100)
    (issue,) = account.ask("GET", f"/portfolios/{portfolio}/issues")["issues"]
    _path(case, portfolio_id=portfolio, issue_id=issue["id"])


def _import(account: Account, case: Case) -> None:
    portfolio = _portfolio(account)
    text = "date,type,token,amount,price\n2026-01-02T10:00:00Z,buy,BTC,0.00014884,61000\n"
    body = {"format": "coinsphere", "content": text}
    made = account.ask("POST", f"/portfolios/{portfolio}/imports", body)["import"]
    _path(case, portfolio_id=portfolio, batch_id=made["id"])


def _done_import(account: Account, case: Case) -> None:
    _import(account, case)
    _db.execute(
        "update app.import_batches set status = 'succeeded' where id = %s",
        [case.path_parameters["batch_id"]],
    )


def _corrected(account: Account, case: Case) -> None:
    _path(case, transaction_id=_trade(account, _portfolio(account), "buy", price=100))
    _only(case, price=101)


def _deleted(account: Account, case: Case) -> None:
    made = _trade(account, _portfolio(account), "buy", price=100)
    account.ask("DELETE", f"/transactions/{made}")
    _path(case, transaction_id=made)


def _sync(account: Account, case: Case) -> None:
    portfolio = _portfolio(account)
    made = account.ask("POST", f"/portfolios/{portfolio}/sync")
    _path(case, portfolio_id=portfolio, job_id=made["jobId"])


def _share(account: Account) -> dict[str, Any]:
    """A link to a portfolio; `portfolio` beside it."""
    portfolio = _portfolio(account)
    made = account.ask("POST", f"/portfolios/{portfolio}/shares", {})["share"]
    return {**made, "portfolio": portfolio}


def _end_share(account: Account, case: Case) -> None:
    made = _share(account)
    _path(case, portfolio_id=made["portfolio"], share_id=made["id"])


def _happening(account: Account) -> dict[str, Any]:
    """What happens to a token of its own, as one has one successor."""
    body = {"symbol": secrets.token_hex(6), "name": "n", "blockchain": "b"}
    token = account.ask("POST", "/tokens", body)["token"]["id"]
    return {
        "kind": "swap", "token": token, "successor": "BTC", "ratio": "1:2", "happenedAt": "2090-01-01T00:00:00Z",
        "reason": "said so",
    }  # fmt: skip


def _happen(account: Account, case: Case) -> None:
    _only(case, **_happening(account))


def _happened(account: Account, case: Case) -> None:
    made = account.ask("POST", "/admin/asset-events", _happening(account))
    _path(case, event_id=made["assetEvent"]["id"])


def _held(_: Account, case: Case) -> None:
    row = _db.execute(
        "insert into market.set_aside (token_id, scope, about, rule, reason, since, changed_at, changed_by)"
        " select id, 'candle', %s, 'a_rule', 'wrong', now(), now(), 'check' from market.tokens where symbol = 'BTC'"
        " returning id",
        [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=secrets.randbelow(10**7))],
    ).fetchone()
    assert row is not None
    _path(case, which=row[0])


def _refused(_: Account, case: Case) -> None:
    _db.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    row = _db.execute(
        "insert into market.quarantine (token_id, kind, source, reason, payload)"
        " select id, 'quote', 'kraken', 'jumped', %s from market.tokens where symbol = 'BTC' returning id",
        ['{"price": "61000"}'],
    ).fetchone()
    assert row is not None
    _path(case, which=row[0])


def _priced(_: Account, case: Case) -> None:
    """What venues agree on about BTC; at the instant that the case asks for there may be nothing."""
    _db.execute(
        "insert into market.consensus"
        " (token_id, valid_at, price, agreed_at, state, venues, usual_move, method, constituents)"
        " select id, now(), 61000, now(), 'ok', 3, 0, 1, '[]' from market.tokens where symbol = 'BTC'"
    )
    _path(case, symbol="BTC")
    if secrets.randbelow(2):
        case.query = {}


def _failed_job(_: Account, case: Case) -> None:
    row = _db.execute(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, status)"
        " values ('housekeeping', 'watch_disk', 'failed') returning id"
    ).fetchone()
    assert row is not None
    _path(case, number=row[0])


def _connection(account: Account) -> str:
    _db.execute("delete from app.exchange_connections where user_id = %s", [account.id])
    return str(account.ask("POST", "/exchanges/connect", _KEY)["connectionId"])


def _channel(account: Account, case: Case) -> None:
    _db.execute("delete from app.alert_channels where user_id = %s", [account.id])
    body = {"kind": "ntfy", "name": "phone", "topic": secrets.token_hex(8)}
    _path(case, channel_id=account.ask("POST", "/channels", body)["channel"]["id"])


def _without_plan(account: Account, _: Case) -> None:
    _db.execute("delete from app.subscriptions where user_id = %s", [account.id])


_FEEDBACK = {"category": "idea", "text": "Show fees by month."}


def _give_feedback(account: Account, case: Case) -> None:
    _forget_feedback(account)
    _only(case, **_FEEDBACK)


def _open_feedback(account: Account, case: Case) -> None:
    _forget_feedback(account)
    _path(case, feedback_id=account.ask("POST", "/feedback", _FEEDBACK)["id"])


def _pictured_feedback(account: Account, case: Case) -> None:
    _forget_feedback(account)
    picture = {"screenshot": base64.b64encode(pictures.told("PNG")).decode()}
    _path(case, feedback_id=account.ask("POST", "/feedback", _FEEDBACK | picture)["id"])


def _forget_feedback(account: Account) -> None:
    _db.execute("delete from app.feedback where user_id = %s", [account.id])


def _flag(_: Account, case: Case) -> None:
    _path(case, flag="alert-mail-wording")
    _only(case, rules=[{"weights": {"value": 1, "crossing": 1}, "share": 20}])


def _with_customer(account: Account, _: Case) -> None:
    _without_plan(account, _)
    account.ask("POST", "/billing/checkout")


def _add_channel(account: Account, case: Case) -> None:
    _db.execute("delete from app.alert_channels where user_id = %s", [account.id])
    _only(case, kind="webhook", name="mine", url="https://example.org/hook")


def _change_channel(account: Account, case: Case) -> None:
    _channel(account, case)
    _only(case, quietFrom="22:00", quietUntil="07:00", zone="Europe/Berlin")


def _tax(_: Account, case: Case) -> None:
    _path(case, regime="de", year="2025")
    case.query = {}


def _connected(account: Account, case: Case) -> None:
    _path(case, connection_id=_connection(account))


def _exchange_sync(account: Account, case: Case) -> None:
    connection = _connection(account)
    job = _db.execute(
        "select id from app.exchange_syncs where connection_id = %s", [connection]
    ).fetchone()
    assert job is not None
    _path(case, connection_id=connection, job_id=job[0])


def _wallet_sync(account: Account, case: Case) -> None:
    body = {"address": f"0x{secrets.token_hex(20)}", "blockchain": "ethereum"}
    made = account.ask("POST", "/defi/connect", body)["data"]
    _path(case, job_id=made["syncJobId"])


def _listing(account: Account, case: Case) -> None:
    body = {"symbol": secrets.token_hex(6), "name": "n", "blockchain": "b"}
    _path(case, token_id=account.ask("POST", "/tokens", body)["token"]["id"])


def _change_listing(account: Account, case: Case) -> None:
    _listing(account, case)
    _only(case, name="renamed", isActive=False)


_KEY = json.loads(os.environ["SCHEMA_EXCHANGE_KEY"])


def _prediction(account: Account, case: Case) -> None:
    """A stored forecast of BTC."""
    made = _db.execute(_PREDICTION, {"digest": secrets.token_hex(32)}).fetchone()
    assert made is not None
    _path(case, prediction_id=made[0])


_OF_A_NEW_ACCOUNT = {
    f"POST {V1}/account/delete",
    # What is recorded is looked at at once only where nothing waits for the worker; here there is none.
    f"POST {V1}/portfolios/{{portfolio_id}}/issues/{{issue_id}}/resolve",
}
_PREPARED: dict[str, Callable[[Account, Case], None]] = {
    f"POST {V1}/auth/register": lambda _, case: _say(
        case, email=f"{secrets.token_hex(6)}@example.com"
    ),
    f"POST {V1}/auth/login": _login,
    f"POST {V1}/auth/refresh": lambda account, case: _only(
        case, refreshToken=account.refresh_token()
    ),
    f"POST {V1}/auth/step-up": lambda _, case: _only(case, password=PASSWORD),
    f"POST {V1}/auth/change-password": lambda _, case: _only(
        case, currentPassword=PASSWORD, newPassword=secrets.token_hex(8)
    ),
    f"POST {V1}/auth/reset-password": _reset,
    f"POST {V1}/auth/verify-email": _verify,
    f"POST {V1}/account/delete": lambda _, case: _only(case, password=PASSWORD),
    f"DELETE {V1}/auth/sessions/{{session_id}}": lambda account, case: _path(
        case, session_id=account.new_session()
    ),
    f"POST {V1}/2fa/verify": lambda account, case: _only(case, token=_setup(account).now()),
    f"POST {V1}/2fa/disable": lambda account, case: _only(
        case, password=PASSWORD, token=_enable(account)[0]
    ),
    f"POST {V1}/2fa/backup-codes": lambda account, case: _only(case, token=_enable(account)[0]),
    f"POST {V1}/passkeys": lambda account, case: _only(
        case, **_registration(account, Authenticator(counts=False))
    ),
    f"DELETE {V1}/passkeys/{{passkey_id}}": lambda account, case: _path(
        case, passkey_id=_device(account)[1]
    ),
    f"POST {V1}/passkeys/login": _passkey_login,
    f"POST {V1}/auth/openid/begin": lambda _, case: _only(case, redirectUri=BACK),
    f"POST {V1}/auth/openid/finish": _openid,
    f"GET {V1}/admin/asset-events": lambda _, case: setattr(case, "query", {}),
    f"POST {V1}/admin/asset-events": _happen,
    f"POST {V1}/admin/asset-events/{{event_id}}/remove": _happened,
    f"POST {V1}/admin/data/set-aside/{{which}}/release": _held,
    f"POST {V1}/admin/data/set-aside/{{which}}/remove": _held,
    f"POST {V1}/admin/data/refused/{{which}}/release": _refused,
    f"POST {V1}/admin/data/refused/{{which}}/remove": _refused,
    f"GET {V1}/tokens/{{symbol}}/price": _priced,
    f"PUT {V1}/watchlist/{{symbol}}": lambda _, case: _path(case, symbol="BTC"),
    f"DELETE {V1}/watchlist/{{symbol}}": lambda _, case: _path(case, symbol="BTC"),
    f"GET {V1}/admin/jobs/{{number}}": _failed_job,
    f"POST {V1}/admin/jobs/{{number}}/retry": _failed_job,
    f"POST {V1}/admin/jobs/{{number}}/cancel": _failed_job,
    f"PUT {V1}/admin/features/{{feature}}": lambda _, case: _path(case, feature="defi"),
    f"PUT {V1}/admin/flags/{{flag}}": _flag,
    f"GET {V1}/admin/tokens/{{token_id}}": _listing,
    f"PATCH {V1}/admin/tokens/{{token_id}}": _change_listing,
    f"DELETE {V1}/admin/tokens/{{token_id}}": _listing,
    f"PATCH {V1}/admin/users/{{user_id}}": lambda _, case: _path(case, user_id=Account().id),
    f"POST {V1}/admin/users/{{user_id}}/end-sessions": lambda _, case: _path(
        case, user_id=Account().id
    ),
    f"GET {V1}/predictions/by-id/{{prediction_id}}": _prediction,
    f"POST {V1}/api-keys/{{key_id}}/rotate": _rotate,
    f"DELETE {V1}/api-keys/{{key_id}}": _key,
    f"POST {V1}/transactions/bulk": _bulk,
    f"POST {V1}/portfolios/{{portfolio_id}}/holdings": _open_by_hand,
    f"PUT {V1}/holdings/{{holding_id}}": _change_by_hand,
    f"DELETE {V1}/holdings/{{holding_id}}": _by_hand,
    f"GET {V1}/shared/{{secret}}": lambda account, case: _path(
        case, secret=_share(account)["secret"]
    ),
    f"DELETE {V1}/portfolios/{{portfolio_id}}/shares/{{share_id}}": _end_share,
    f"POST {V1}/portfolios/{{portfolio_id}}/transfers": _transfer,
    f"POST {V1}/portfolios/{{portfolio_id}}/issues/{{issue_id}}/resolve": _issue,
    f"GET {V1}/portfolios/{{portfolio_id}}/imports/{{batch_id}}": _import,
    f"PATCH {V1}/portfolios/{{portfolio_id}}/imports/{{batch_id}}": _import,
    f"POST {V1}/portfolios/{{portfolio_id}}/imports/{{batch_id}}/parts": _import,
    f"POST {V1}/portfolios/{{portfolio_id}}/imports/{{batch_id}}/confirm": _import,
    f"POST {V1}/portfolios/{{portfolio_id}}/imports/{{batch_id}}/take-back": _done_import,
    f"PUT {V1}/transactions/{{transaction_id}}": _corrected,
    f"POST {V1}/transactions/{{transaction_id}}/restore": _deleted,
    f"GET {V1}/portfolios/{{portfolio_id}}/sync/{{job_id}}": _sync,
    f"POST {V1}/billing/checkout": _without_plan,
    f"POST {V1}/billing/portal": _with_customer,
    f"POST {V1}/billing/prepayments": _without_plan,
    f"POST {V1}/graphql": lambda _, case: _only(case, query="{ me { sessions } }"),
    f"POST {V1}/feedback": _give_feedback,
    f"GET {V1}/admin/feedback/{{feedback_id}}/screenshot": _pictured_feedback,
    f"POST {V1}/admin/feedback/{{feedback_id}}/answer": _open_feedback,
    f"POST {V1}/admin/feedback/{{feedback_id}}/close": _open_feedback,
    f"POST {V1}/channels": _add_channel,
    f"PATCH {V1}/channels/{{channel_id}}": _change_channel,
    f"DELETE {V1}/channels/{{channel_id}}": _channel,
    f"POST {V1}/channels/{{channel_id}}/test": _channel,
    f"GET {V1}/channels/{{channel_id}}/messages": _channel,
    f"POST {V1}/exchanges/test": lambda _, case: _say(case, **_KEY),
    f"POST {V1}/exchanges/connect": lambda _, case: _only(case, **_KEY),
    f"POST {V1}/exchanges/connections/{{connection_id}}/sync": _connected,
    f"GET {V1}/exchanges/connections/{{connection_id}}/sync/{{job_id}}": _exchange_sync,
    f"GET {V1}/exchanges/connections/{{connection_id}}/unbooked": _connected,
    f"GET {V1}/defi/sync/{{job_id}}": _wallet_sync,
    f"GET {V1}/tax/{{regime}}/{{year}}": _tax,
    f"GET {V1}/tax/{{regime}}/{{year}}/file": _tax,
    "GET /api/docs/{name}": lambda _, case: _path(case, name="start.js"),
}
