"""Flags: their values for a caller, and how administrators set them."""

from dataclasses import asdict
from typing import Any

import msgspec
from flask import current_app

from coinsphere.audit.events import Event
from coinsphere.experiments import report
from coinsphere.experiments.report import Report
from coinsphere.flags import repository, rules
from coinsphere.flags.catalogue import CATALOGUE, Flag
from coinsphere.flags.client import Flags
from coinsphere.flags.repository import Stored
from coinsphere.flags.rules import BadRules, Rule
from webapi.flags import schemas
from webapi.http import errors
from webapi.security import access, audit
from webapi.services import services

EXTENSION = "coinsphere-flags"
_PLAN = "select subscription_tier from app.users where id = %s"


def given() -> list[dict[str, Any]]:
    """The variant of every flag for the caller."""
    caller = access.principal().user_id
    asked = _flags()
    with services().database.connection() as conn:
        ((plan,),) = conn.execute(_PLAN, [caller]).fetchall()
        answers = [asked.give(conn, flag, caller, plan) for flag in CATALOGUE.values()]
    return [
        {"flag": each.flag_key, "variant": each.value, "reason": str(each.reason)}
        for each in answers
    ]


def listed() -> list[dict[str, Any]]:
    """Every flag with its rules."""
    with services().database.connection() as conn:
        known = repository.stored(conn)
    return [_shown(flag, known.get(flag.key)) for flag in CATALOGUE.values()]


def change(key: str, wanted: schemas.RulesIn) -> dict[str, Any]:
    """Replace the rules of a flag.

    Raises:
        errors.Problem: 404, no flag has that name; 400, the rules mean nothing.
    """
    if key not in CATALOGUE:
        raise errors.not_found("flag")
    flag, work, caller = CATALOGUE[key], services(), access.principal().user_id
    checked = _checked(flag, wanted)
    with work.database.connection() as conn:
        stored = repository.store(conn, flag, checked, caller, work.clock())
        audit.record(
            conn,
            Event.FLAG_CHANGED,
            actor_id=caller,
            target=flag.key,
            details={"version": stored.version, "rules": len(checked)},
        )
    _flags().forget()
    return _shown(flag, stored)


def experiments() -> list[Report]:
    """A report of every experiment that runs; those who take part are seen in the scope of administration alone."""
    work = services()
    with work.database.connection() as conn:
        return report.running(conn, work.clock())


def told_experiments() -> list[dict[str, Any]]:
    """The reports of experiments as `ExperimentOut` takes them."""
    return [_told(each) for each in experiments()]


def _flags() -> Flags:
    flags: Flags = current_app.extensions[EXTENSION]
    return flags


def _checked(flag: Flag, wanted: schemas.RulesIn) -> tuple[Rule, ...]:
    try:
        return rules.parse(flag, wanted.model_dump(mode="json", by_alias=True)["rules"])
    except BadRules as error:
        fault = {"path": "rules", "message": str(error), "code": "bad_rules"}
        raise errors.invalid([fault]) from None


def _shown(flag: Flag, stored: Stored | None) -> dict[str, Any]:
    rules = stored.parsed() if stored else ()
    fault = str(rules) if isinstance(rules, BadRules) else None
    decided = () if isinstance(rules, BadRules) else rules
    return {
        "flag": flag.key,
        "about": flag.about,
        "variants": flag.variants,
        "default": flag.default,
        "owner": flag.owner,
        "version": stored.version if stored else 0,
        "rules": [msgspec.structs.asdict(rule) for rule in decided],
        "fault": fault,
        "changed_by": stored.changed_by if stored else None,
        "changed_at": stored.changed_at if stored else None,
    }


def _told(report: Report) -> dict[str, Any]:
    return {
        "flag": report.experiment.flag.key,
        "version": report.version,
        "since": report.since,
        "within_days": report.experiment.within.days,
        "sample_ratio_p_value": float(report.ratio_p),
        "arms": [asdict(each) for each in report.arms],
        "findings": [asdict(each) for each in report.findings],
    }
