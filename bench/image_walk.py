"""What people ask of an API in turn, so that no file is missed that its image lacks: each format, language and library."""

from datetime import UTC, datetime, timedelta

import httpx2

from bench import filling
from bench.people import V1, made, register, trade

_FORMATS = ("csv", "json", "parquet", "arrow")
_READ = (
    "/tokens",
    "/exchanges/supported",
    "/tax/de/{year}",
    "/tax/de/{year}/file?format=csv",
    "/tax/de/{year}/file?format=pdf",
    "/account/export",
    "/portfolios/{portfolio}",
    "/portfolios/{portfolio}/performance?days=90",
    "/portfolios/{portfolio}/risk",
    "/portfolios/{portfolio}/forecast",
    "/portfolios/{portfolio}/allocation",
    *(f"/portfolios/{{portfolio}}/export?format={each}" for each in _FORMATS),
    *(f"/tokens/BENCH1/history?format={each}" for each in ("parquet", "arrow")),
)
_PAGES = ("/login", "/register", "/api/docs", "/api/docs/swagger-ui-bundle.js", "/api/openapi.json")
_FILE = 'date,type,token,amount,price,currency,fee\n03/02/2026,buy,BENCH1,"1,234","50.000,5",USD,"2,5"\n'


def walk(url: str, database_url: str) -> int:
    """Ask in turn and return how many answers came. Raises `HTTPStatusError` for one that is none."""
    with filling.connect(database_url) as conn, httpx2.Client(base_url=url, timeout=60) as client:
        filling.prepare(conn, assets=3, first=filling.NOW - timedelta(days=365))
        client.base_url = f"{url}{V1}"
        _, portfolio = register(client, 1)
        conn.execute("update app.users set email_verified = true")
        written = _write(client, portfolio)
        year = datetime.now(UTC).year - 1
        for path in _READ:
            client.get(path.format(portfolio=portfolio, year=year)).raise_for_status()
        _connect(client)
    return written + len(_READ) + 1 + _look(url)


def _write(client: httpx2.Client, portfolio: str) -> int:
    trades = [
        trade(portfolio, f"2026-0{month}-03T12:00:00Z", f"BENCH{1 + month % 3}")
        for month in range(1, 9)
    ]
    bodies = {
        "/transactions": trades[0],
        "/transactions/bulk": {"transactions": trades[1:]},
        f"/portfolios/{portfolio}/imports": {"format": "coinsphere", "content": _FILE},
        "/graphql": {"query": "{ __typename }"},
        "/channels": {"kind": "webhook", "name": "mine", "url": "https://example.org/walk"},
        "/feedback": {"category": "praise", "text": "It walks."},
    }
    for path, body in bodies.items():
        made(client, path, body)
    return len(bodies) + 1


def _connect(client: httpx2.Client) -> None:
    """An exchange of ccxt's, which knows no such key, or is not reached from here."""
    body = {"exchange": "kraken", "apiKey": "walk" * 8, "apiSecret": "d2Fsa3dhbGs="}
    answer = client.post("/exchanges/connect", json=body)
    if answer.status_code not in (400, 422, 502, 503):
        answer.raise_for_status()


def _look(url: str) -> int:
    with httpx2.Client(base_url=url, timeout=60, follow_redirects=True) as client:
        for language in ("de", "en"):
            for path in _PAGES:
                client.get(path, headers={"Accept-Language": language}).raise_for_status()
    return 2 * len(_PAGES)
