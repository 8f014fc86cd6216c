"""Administration: accounts, the audit log, the state of the data, feature switches."""

from typing import Any

from apiflask import APIBlueprint

from webapi.admin import schemas, use_cases
from webapi.security.access import admin, analyst
from webapi.services import services

administration = APIBlueprint("administration", __name__, tag="Administration")


@administration.get("/users")
@admin
@administration.input(schemas.UsersQuery, location="query")
@administration.output(schemas.AccountsOut)
def list_users(query_data: schemas.UsersQuery) -> dict[str, Any]:
    """Accounts, oldest first."""
    shown, following = use_cases.accounts(query_data)
    return {"users": shown, "next_cursor": following}


@administration.get("/users/<user_id>")
@admin
@administration.output(schemas.OneAccountOut)
def get_user(user_id: str) -> dict[str, Any]:
    """One account."""
    with services().database.connection() as conn:
        return {"user": use_cases.account(conn, user_id)}


@administration.patch("/users/<user_id>")
@admin
@administration.input(schemas.UserChange)
@administration.output(schemas.OneAccountOut)
def change_user(user_id: str, json_data: schemas.UserChange) -> dict[str, Any]:
    """Change an account's role, disable it, or enable it again.

    A disabled account's sessions and API keys end at once. Nobody changes themselves, so that an administrator remains.
    """
    return {"user": use_cases.change(user_id, json_data)}


@administration.post("/users/<user_id>/end-sessions")
@admin
@administration.output(schemas.EndedSessionsOut)
def end_sessions(user_id: str) -> dict[str, Any]:
    """End every session of an account."""
    return {"message": "Sessions ended", "sessions": use_cases.end_sessions(user_id)}


@administration.get("/audit-log")
@admin
@administration.input(schemas.AuditQuery, location="query")
@administration.output(schemas.AuditOut)
def audit_log(query_data: schemas.AuditQuery) -> dict[str, Any]:
    """Entries of the audit log, newest first. That somebody read it is an entry too."""
    with services().database.connection() as conn:
        shown, following = use_cases.audit_entries(conn, query_data)
    return {"entries": shown, "next_cursor": following}


@administration.get("/data-status")
@analyst
@administration.output(schemas.DataStatusOut)
def data_status() -> dict[str, Any]:
    """What the market tables hold, how fresh it is, and how sources failed in the last day."""
    return use_cases.data_status()


@administration.get("/features")
@analyst
@administration.output(schemas.FeaturesOut)
def list_features() -> dict[str, Any]:
    """Every feature that can be turned off, and whether it is on."""
    return {"features": use_cases.switches()}


@administration.put("/features/<feature>")
@admin
@administration.input(schemas.SwitchIn)
@administration.output(schemas.OneFeatureOut)
def switch_feature(feature: str, json_data: schemas.SwitchIn) -> dict[str, Any]:
    """Turn a feature on or off; every process follows within two seconds."""
    return {"feature": use_cases.switch(feature, json_data)}
