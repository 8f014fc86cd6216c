"""Flags: what a caller is given, and the rules that administrators set."""

from typing import Any

from apiflask import APIBlueprint

from webapi.flags import schemas, use_cases
from webapi.security.access import admin, analyst, signed_in

flags = APIBlueprint("flags", __name__, tag="Account")
flag_administration = APIBlueprint("flag_administration", __name__, tag="Administration")
experiment_administration = APIBlueprint(
    "experiment_administration", __name__, tag="Administration"
)


@flags.get("")
@signed_in
@flags.output(schemas.GivenFlagsOut)
def get_flags() -> dict[str, Any]:
    """What every flag gives to the caller, and whether a rule or chance decided so."""
    return {"flags": use_cases.given()}


@flag_administration.get("")
@analyst
@flag_administration.output(schemas.FlagsOut)
def list_flags() -> dict[str, Any]:
    """Every flag with its rules: whom each is for, and which variants it gives them."""
    return {"flags": use_cases.listed()}


@flag_administration.put("/<flag>")
@admin
@flag_administration.input(schemas.RulesIn)
@flag_administration.output(schemas.OneFlagOut)
def change_flag(flag: str, json_data: schemas.RulesIn) -> dict[str, Any]:
    """Give a flag these rules instead of those that it has; every process follows within two seconds.

    Rules that mean nothing are refused: a variant that the flag lacks, no weight above 0, a rule behind one that is for
    everybody, two rules that draw between variants.
    """
    return {"flag": use_cases.change(flag, json_data)}


@experiment_administration.get("")
@admin
@experiment_administration.output(schemas.ExperimentsOut)
def list_experiments() -> dict[str, Any]:
    """Every experiment that runs: who takes part, whether the sizes are right, and how the variants compare.

    It may be looked at all the time: what it calls better or worse is so by chance in one of twenty experiments at most.
    """
    return {"experiments": use_cases.told_experiments()}
