"""Request and response bodies of `/admin/analytics`."""

from datetime import date

from pydantic import ConfigDict, Field

from webapi.http.schema import Number, Output, Query

_FEW = "null: they are fewer than five, but somebody."


class AnalyticsQuery(Query):
    """Of how long."""

    weeks: int = Field(12, ge=1, le=52, description="So many weeks up to now.")


class FunnelStepOut(Output):
    """A step of a funnel."""

    step: str = Field(
        description="registered, confirmed, portfolio_made, portfolio_filled or alert_created."
    )
    users: int | None = Field(
        description=f"Who came so far within thirty days, through all steps before; {_FEW}"
    )
    median_hours: Number | None = Field(
        description="Hours since the registration in the middle; null where few or nobody came so far."
    )


class FunnelOut(Output):
    """How far those of a month came."""

    month: date = Field(description="First day of the month in which they registered.")
    steps: list[FunnelStepOut] = Field(description="In the order in which they are taken.")


class CohortWeekOut(Output):
    """Of a cohort, a week later."""

    week_number: int = Field(description="Weeks since the cohort's own; 0 is that week itself.")
    users: int | None = Field(description=f"Who of the cohort did something in it; {_FEW}")


class CohortOut(Output):
    """Those who allow product events since one week, and how many of them came back."""

    cohort_week: date = Field(description="Monday of that week.")
    users: int | None = Field(description=f"How many they were then; {_FEW}")
    weeks: list[CohortWeekOut] = Field(description="That week and each one since.")


class FeatureUseOut(Output):
    """The use of one thing in a week."""

    feature: str = Field(description="A product event's name; `any` for whatever somebody did.")
    users: int | None = Field(description=f"Who used it; {_FEW}")
    days: int | None = Field(
        description="Days on which they did, summed over users; null where these are few."
    )


class FeatureWeekUseOut(Output):
    """What was used in a week."""

    week: date = Field(description="Its Monday.")
    features: list[FeatureUseOut] = Field(description="Most used first.")


class AnalyticsOut(Output):
    """What users who allow it do with the product."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "activation": [
                    {
                        "month": "2026-03-01",
                        "steps": [{"step": "registered", "users": 31, "medianHours": 0}],
                    }
                ],
                "retention": [
                    {
                        "cohortWeek": "2026-03-02",
                        "users": 12,
                        "weeks": [{"weekNumber": 0, "users": 12}, {"weekNumber": 1, "users": None}],
                    }
                ],
                "features": [
                    {
                        "week": "2026-03-09",
                        "features": [{"feature": "forecast_viewed", "users": 9, "days": 17}],
                    }
                ],
            }
        }
    )

    activation: list[FunnelOut] = Field(description="By month of registration, the newest first.")
    retention: list[CohortOut] = Field(description="By cohort, the newest first.")
    features: list[FeatureWeekUseOut] = Field(description="By week, the newest first.")
