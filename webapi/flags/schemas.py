"""Request and response bodies of `/flags` and `/admin/flags`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from coinsphere.experiments.catalogue import Metric
from coinsphere.experiments.report import Verdict
from coinsphere.flags.catalogue import CATALOGUE
from coinsphere.flags.rules import Environment, Plan
from webapi.http.schema import Input, Output

Weight = Annotated[int, Field(ge=0, le=1000, strict=True)]
_WEIGHTS = Field(
    min_length=1,
    max_length=10,
    description="How often each variant is given, in proportion to the others; one alone: to all.",
)
_USERS = "These accounts; none: any."
_PLANS = "Accounts of these plans; none: any."
_ENVIRONMENTS = "Installations of these kinds; none: any."
_SHARE = "Of these users so many percent, by a hash that is stable."
_RULE: dict[str, Any] = {
    "weights": {"value": 1, "crossing": 1},
    "userIds": [],
    "plans": ["free"],
    "environments": [],
    "share": 20,
}


class RuleIn(Input):
    """Whom a rule is for, and what they get; each condition that is given must hold."""

    weights: dict[str, Weight] = _WEIGHTS
    user_ids: list[UUID] = Field(default=[], max_length=1000, description=_USERS)
    plans: list[Plan] = Field(default=[], max_length=3, description=_PLANS)
    environments: list[Environment] = Field(default=[], max_length=2, description=_ENVIRONMENTS)
    share: int = Field(100, ge=1, le=100, strict=True, description=_SHARE)


class RulesIn(Input):
    """The rules of a flag; the first that fits a user decides."""

    model_config = ConfigDict(json_schema_extra={"example": {"rules": [_RULE]}})

    rules: list[RuleIn] = Field(
        max_length=50, description="In their order; none: everybody gets the default."
    )


class RuleOut(Output):
    """Whom a rule is for, and what they get."""

    weights: dict[str, int] = Field(description="How often each variant is given.")
    user_ids: list[UUID] = Field(description=_USERS)
    plans: list[Plan] = Field(description=_PLANS)
    environments: list[Environment] = Field(description=_ENVIRONMENTS)
    share: int = Field(description=_SHARE)


class FlagOut(Output):
    """A flag with its rules."""

    flag: str = Field(description="Its name.")
    about: str = Field(description="What depends on it.")
    variants: list[str] = Field(description="The possible answers.")
    default: str = Field(description="What holds where no rule decides.")
    owner: str = Field(description="Who takes it out of the code once it is decided.")
    version: int = Field(description="Counts changes of the rules; an experiment begins with each.")
    rules: list[RuleOut] = Field(description="In their order.")
    fault: str | None = Field(
        description="Why what is stored means nothing, so that all get the default; null as a rule."
    )
    changed_by: UUID | None = Field(description="Who changed the rules last.")
    changed_at: datetime | None = Field(description="When.")


_FLAG: dict[str, Any] = {
    "flag": "alert-mail-wording",
    "about": CATALOGUE["alert-mail-wording"].about,
    "variants": ["value", "crossing"],
    "default": "value",
    "owner": "alerts",
    "version": 1,
    "rules": [_RULE],
    "fault": None,
    "changedBy": "5a0c9d1e-7f3b-4c55-9a43-2f6a4c1f1d10",
    "changedAt": "2026-11-24T08:00:00Z",
}


class FlagsOut(Output):
    """Every flag."""

    model_config = ConfigDict(json_schema_extra={"example": {"flags": [_FLAG]}})

    flags: list[FlagOut] = Field(description="As code knows them.")


class OneFlagOut(Output):
    """One flag."""

    model_config = ConfigDict(json_schema_extra={"example": {"flag": _FLAG}})

    flag: FlagOut = Field(description="As it is now.")


class GivenFlagOut(Output):
    """What a flag gives to the caller."""

    flag: str = Field(description="Its name.")
    variant: str = Field(description="What the caller is given.")
    reason: str = Field(
        description="`DEFAULT`: no rule decides; `TARGETING_MATCH`: a rule does; `SPLIT`: a rule that draws; "
        "`ERROR`: the rules mean nothing."
    )


class GivenFlagsOut(Output):
    """What every flag gives to the caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "flags": [{"flag": "alert-mail-wording", "variant": "value", "reason": "DEFAULT"}]
            }
        }
    )

    flags: list[GivenFlagOut] = Field(description="As code knows them.")


class ArmOut(Output):
    """A variant and who was given it."""

    variant: str = Field(description="Its name; the first is the control, the flag's default.")
    users: int = Field(description="Users who were given it.")
    over: int = Field(description="Of them those whose time is over, which alone are compared.")
    did: dict[str, int] = Field(description="How many of these did what is counted, by metric.")


class ComparisonOut(Output):
    """A variant against the control, as of now."""

    difference: float = Field(description="Of the rates; positive where the variant's is higher.")
    lower: float = Field(description="Lower end of the interval, valid however often one looks.")
    upper: float = Field(description="Its upper end.")
    p_value: float = Field(description="Always valid: it never rises with more users.")


class FindingOut(Output):
    """What is known of a variant in one metric."""

    variant: str = Field(description="The variant that is compared with the control.")
    metric: Metric = Field(description="What is counted.")
    is_guard: bool = Field(
        description="Whether it must not become more, where else more is better."
    )
    compared: ComparisonOut | None = Field(description="null: there are too few users.")
    verdict: Verdict = Field(
        description="`unsound`: the sizes of the groups are no chance, so nothing is said; `too few` users; `open`; "
        "`better` or `worse`."
    )


class ExperimentOut(Output):
    """An experiment that runs."""

    flag: str = Field(description="The flag whose variants are drawn.")
    version: int = Field(description="Of its rules; with each an experiment begins anew.")
    since: datetime = Field(description="When these rules were set.")
    within_days: int = Field(
        description="What is done in so many days after one is first shown a variant counts."
    )
    sample_ratio_p_value: float = Field(
        description="How often chance gives groups of such sizes; below 0.001 the experiment is at fault."
    )
    arms: list[ArmOut] = Field(description="The variants.")
    findings: list[FindingOut] = Field(description="Each other variant against the control.")


class ExperimentsOut(Output):
    """Every experiment that runs."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "experiments": [
                    {
                        "flag": "alert-mail-wording",
                        "version": 1,
                        "since": "2026-11-24T08:00:00Z",
                        "withinDays": 7,
                        "sampleRatioPValue": 0.62,
                        "arms": [
                            {
                                "variant": "value",
                                "users": 410,
                                "over": 300,
                                "did": {"alert-useful": 41},
                            },
                            {
                                "variant": "crossing",
                                "users": 398,
                                "over": 290,
                                "did": {"alert-useful": 66},
                            },
                        ],
                        "findings": [
                            {
                                "variant": "crossing",
                                "metric": "alert-useful",
                                "isGuard": False,
                                "compared": {
                                    "difference": 0.09,
                                    "lower": 0.01,
                                    "upper": 0.17,
                                    "pValue": 0.02,
                                },
                                "verdict": "better",
                            }
                        ],
                    }
                ]
            }
        }
    )

    experiments: list[ExperimentOut] = Field(
        description="None where no rule of a flag draws between variants."
    )
