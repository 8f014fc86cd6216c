"""`coinsphere demo`: creates a made-up user through the running API, so that there is something to look at."""

import json
import re
import secrets
import time
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import httpx2

from coinsphere.clock import utc_now
from coinsphere.security import private_files
from coinsphere.settings import Settings
from webapi.demo import scenario
from webapi.demo.scenario import Course

EMAIL = "demo@coinsphere.example"
_FILE = "demo.json"
_SECONDS = 120
_MAIL_SECONDS = 20
_LINK = re.compile(r"/verify-email\?token=(?P<token>\S+)")
_ALERTS = (
    {"alertType": "percent_change", "tokenSymbol": "BTC", "condition": "below", "threshold": -5},
    {"alertType": "percent_change", "tokenSymbol": "ETH", "condition": "above", "threshold": 5},
    {"alertType": "risk", "tokenSymbol": "SOL", "condition": "above", "threshold": 60},
    {"alertType": "prediction", "tokenSymbol": "BTC", "condition": "above", "threshold": 2},
)


@click.command()
@click.option("--remove", is_flag=True, help="Delete the demo account and all that belongs to it.")
def demo(*, remove: bool) -> None:
    """Make a demo account with three years of made-up transactions, alerts and a share link; say how to log in.

    A second time it only says so again.
    """
    settings = Settings.from_env()
    file = settings.state / _FILE
    url = f"http://{settings.bind_host}:{settings.api_port}"
    try:
        with httpx2.Client(base_url=f"{url}/api/v1", timeout=_SECONDS, trust_env=False) as client:
            if remove:
                _remove(client, file)
            else:
                _say(settings, _made(client, file, settings.state / "mail"))
    except httpx2.HTTPError as error:
        raise click.ClickException(
            f"The system does not answer at {url} ({type(error).__name__}): start it with `coinsphere up`."
        ) from error


def _made(client: httpx2.Client, file: Path, mails: Path) -> dict[str, Any]:
    """The account, created where it is missing or where an earlier attempt was cut off."""
    known = _known(file)
    if known is None:
        known = {"email": EMAIL, "password": secrets.token_urlsafe(12)}
        # Before the account: one whose password nobody knows could not be removed.
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_files.write(file, json.dumps(known).encode())
    if not _logged_in(client, known):
        wanted = {**_credentials(known), "firstName": "Demo"}
        _enter(client, _ask(client, "post", "/auth/register", wanted))
        known.pop("share", None)
        _confirm(client, mails)
    if "share" not in known:
        known["share"] = _filled(client)
        private_files.write(file, json.dumps(known).encode())
    return known


def _confirm(client: httpx2.Client, mails: Path) -> None:
    """Follow the link of the mail, where mails land in a folder: nobody else receives those of a made-up address.

    Where a relay takes them, or nobody sends them, the address stays unconfirmed, and the pages say so.
    """
    for _ in range(_MAIL_SECONDS):
        for mail in map(_mail, mails.glob("*.eml")):
            if mail["To"] == EMAIL and (link := _LINK.search(_text(mail))):
                _ask(client, "post", "/auth/verify-email", {"token": unquote(link["token"])})
                return
        time.sleep(1)


def _mail(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=policy.default)


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return "" if body is None else str(body.get_content())


def _filled(client: httpx2.Client) -> str:
    """Tell the story; the link by which others see it. What an attempt before left is told anew."""
    for each in _ask(client, "get", "/portfolios")["portfolios"]:
        _ask(client, "delete", f"/portfolios/{each['id']}")
    for each in _ask(client, "get", "/alerts")["alerts"]:
        _ask(client, "delete", f"/alerts/{each['id']}")
    described = {
        "name": "Demo",
        "description": "Made up: nobody traded so, at prices that there were.",
    }
    portfolio = _ask(client, "post", "/portfolios", described)["portfolio"]["id"]
    transactions = scenario.transactions(_courses(client), utc_now())
    if not transactions:
        raise click.ClickException("There are no prices yet: wait for the end of `coinsphere up`.")
    body = {"portfolioId": portfolio, "transactions": transactions}
    _ask(client, "post", "/transactions/bulk", body)
    for alert in _ALERTS:
        _ask(client, "post", "/alerts", {**alert, "channels": ["stream"]})
    shared = _ask(client, "post", f"/portfolios/{portfolio}/shares", {"hidesAmounts": False})
    return str(shared["share"]["url"])


def _courses(client: httpx2.Client) -> dict[str, Course]:
    courses = {}
    for symbol in scenario.TOKENS:
        answer = client.get(f"/tokens/{symbol}/history", params={"timeframe": "all"})
        points = json.loads(answer.text, parse_float=Decimal).get("priceHistory", [])
        times = [datetime.fromtimestamp(point["time"] / 1000, tz=UTC) for point in points]
        if times:
            courses[symbol] = Course(times, [Decimal(point["close"]) for point in points])
    return courses


def _remove(client: httpx2.Client, file: Path) -> None:
    known = _known(file)
    if known is None:
        click.echo("There is no demo account.")
        return
    if _logged_in(client, known):
        _ask(client, "post", "/account/delete", {"password": known["password"]})
    file.unlink()
    click.echo("The demo account is deleted, with all that belonged to it.")


def _known(file: Path) -> dict[str, Any] | None:
    return json.loads(private_files.read(file)) if file.exists() else None


def _credentials(known: dict[str, Any]) -> dict[str, Any]:
    return {name: known[name] for name in ("email", "password")}


def _logged_in(client: httpx2.Client, known: dict[str, Any]) -> bool:
    answer = client.post("/auth/login", json=_credentials(known))
    if answer.is_success:
        _enter(client, answer.json())
    return answer.is_success


def _enter(client: httpx2.Client, opened: dict[str, Any]) -> None:
    client.headers["Authorization"] = f"Bearer {opened['accessToken']}"


def _ask(client: httpx2.Client, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """The API's answer. Raises `click.ClickException` with the reason of a refusal."""
    answer = client.request(method, path, json=body) if body else client.request(method, path)
    if not answer.is_success:
        raise click.ClickException(f"{method.upper()} {path}: {answer.json().get('error')}")
    content: dict[str, Any] = answer.json() if answer.content else {}
    return content


def _say(settings: Settings, known: dict[str, Any]) -> None:
    click.echo(
        f"A demo, nobody's real portfolio. Log in at {settings.pages_url}/login\n"
        f"  address   {known['email']}\n"
        f"  password  {known['password']}\n"
        f"Seen by others, without an account: {known['share']}\n"
        "`coinsphere demo --remove` deletes it."
    )
