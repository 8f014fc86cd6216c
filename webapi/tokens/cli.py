"""`coinsphere tokens`: what the routes below `/admin/tokens` do, on the machine itself and by the same rules."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

if TYPE_CHECKING:
    from psycopg import Connection

    from coinsphere.audit.events import Event
    from coinsphere.market.reference.listing import Listing
    from webapi.http.schema import Input

_ALL = 100_000

_FIELDS = (
    click.option("--blockchain"),
    click.option("--coingecko-id"),
    click.option("--contract-address"),
    click.option("--decimals", type=int),
    click.option("--logo-url"),
)


def _with_fields(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_FIELDS):
        command = option(command)
    return command


@click.group()
def tokens() -> None:
    """Which tokens are listed. TOKEN is a symbol, or an id where two have the symbol."""


@tokens.command("list")
@click.option("--search", default=None, help="Part of symbol, name or CoinGecko id.")
def list_(search: str | None) -> None:
    """List all tokens by symbol, deactivated ones too."""
    from rich.markup import escape
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.market.reference import listing

    with _connection() as conn:
        rows = listing.listed(conn, _ALL, text=search)
    table = Table("id", "symbol", "name", "chain", "CoinGecko id", "contract", "active")
    for row in rows:
        texts = (row.symbol, row.name, row.blockchain, row.coingecko_id, row.contract_address)
        table.add_row(
            str(row.id), *(escape(text or "") for text in texts), "yes" if row.is_active else "no"
        )
    new_console().print(table)


@tokens.command()
@click.argument("symbol")
@click.argument("name")
@_with_fields
def add(symbol: str, name: str, **given: object) -> None:
    """List a token. A blockchain is needed; prices come by its CoinGecko id, or by its symbol."""
    from coinsphere.audit.events import Event
    from coinsphere.market.reference import listing
    from webapi.tokens.schemas import TokenIn

    values = _checked(TokenIn, {"symbol": symbol, "name": name, **_given(given)})
    with _connection() as conn:
        try:
            token_id = listing.add(conn, values.model_dump())
        except listing.AlreadyListed:
            raise _taken() from None
        token = _found(conn, str(token_id))
        _tell(conn, Event.TOKEN_LISTED, token, {})
    click.echo(f"{token.symbol} is listed: {token.id}")


@tokens.command()
@click.argument("token")
@click.option("--symbol")
@click.option("--name")
@_with_fields
@click.option("--unknown", multiple=True, help="A field to take away, such as logoUrl.")
def edit(token: str, unknown: tuple[str, ...], **given: object) -> None:
    """Change what options name of a token."""
    _change(token, _given(given) | dict.fromkeys(unknown))


@tokens.command()
@click.argument("token")
def deactivate(token: str) -> None:
    """Ask for, train on and list a token no longer; holdings keep its last price."""
    _change(token, {"isActive": False})


@tokens.command()
@click.argument("token")
def activate(token: str) -> None:
    """Take a deactivated token back."""
    _change(token, {"isActive": True})


@tokens.command()
@click.argument("token")
def delete(token: str) -> None:
    """Delete a token that nothing refers to, with its quote and metadata."""
    from coinsphere.audit.events import Event
    from coinsphere.market.reference import listing

    with _connection() as conn:
        listed = _found(conn, token)
        try:
            listing.delete(conn, listed.id)
        except listing.TokenInUse as used:
            raise click.ClickException(
                f"{listed.symbol} cannot be deleted, {used}. `coinsphere tokens deactivate` takes it out of use."
            ) from None
        _tell(conn, Event.TOKEN_DELETED, listed, {})
    click.echo(f"{listed.symbol} is deleted.")


def _change(token: str, options: dict[str, Any]) -> None:
    from coinsphere.audit.events import Event
    from coinsphere.market.reference import listing
    from webapi.admin.tokens.schemas import TokenChange

    values = _checked(TokenChange, options).model_dump(exclude_unset=True)
    with _connection() as conn:
        listed = _found(conn, token)
        try:
            done = listing.change(conn, listed.id, values)
        except listing.AlreadyListed:
            raise _taken() from None
        if done is None:
            raise click.ClickException(f"{token} is gone.")
        changes = listing.differences(*done)
        _tell(conn, Event.TOKEN_CHANGED, done[1], changes)
    summary = "; ".join(f"{name}: {change}" for name, change in changes.items())
    click.echo(f"{listed.symbol}: {summary or 'nothing to change'}")


def _given(options: dict[str, object]) -> dict[str, Any]:
    """The options that were given, by the names of the wire."""
    from webapi.http.schema import camel

    return {camel(name): value for name, value in options.items() if value is not None}


def _checked(model: "type[Input]", values: dict[str, Any]) -> "Input":
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".removeprefix(": ")
            for fault in error.errors()
        )
        raise click.ClickException("; ".join(faults)) from None


def _found(conn: "Connection", token: str) -> "Listing":
    from coinsphere.market.reference import listing

    try:
        by_id = listing.get(conn, UUID(token))
        matches = [] if by_id is None else [by_id]
    except ValueError:
        matches = [
            match
            for match in listing.listed(conn, _ALL, text=token)
            if match.symbol.lower() == token.lower()
        ]
    if not matches:
        raise click.ClickException(f"There is no token {token}: see `coinsphere tokens list`.")
    if len(matches) > 1:
        ids = ", ".join(f"{match.id} ({match.name})" for match in matches)
        raise click.ClickException(f"{len(matches)} tokens are called {token}: give an id, {ids}.")
    return matches[0]


def _taken() -> click.ClickException:
    return click.ClickException("A token with this contract or CoinGecko id already exists.")


def _tell(conn: "Connection", event: "Event", token: "Listing", changes: dict[str, str]) -> None:
    from coinsphere.audit import chain
    from coinsphere.clock import utc_now
    from coinsphere.security.symmetric_keys import SymmetricKeys
    from coinsphere.settings import Settings

    keys = SymmetricKeys(Settings.from_env().audit_keys)
    details = {"symbol": token.symbol, "by": f"operator {getpass.getuser()}", **changes}
    chain.append(conn, keys, event, utc_now(), target=str(token.id), details=details)


@contextmanager
def _connection() -> "Iterator[Connection]":
    import psycopg

    from coinsphere.db import owner
    from coinsphere.db.owner import Scope
    from coinsphere.settings import Role, Settings

    with psycopg.connect(Settings.from_env().url_for(Role.API)) as conn:
        owner.act(conn, None, Scope.ADMINISTRATION)
        yield conn
