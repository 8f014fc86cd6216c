"""Records of experiments: who was first given which variant, and what they did afterwards, written in the transaction of the act."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from openfeature.flag_evaluation import FlagEvaluationDetails, Reason
from psycopg import Connection

from coinsphere.experiments.catalogue import Metric, flags_that_count
from coinsphere.flags.catalogue import Flag
from coinsphere.flags.provider import VERSION

# In one order, so that two transactions never wait for one another.
_EXPOSE = """
    insert into app.experiment_assignments
        (flag, version, user_id, variant, exposed_at, last_exposed_at, exposures)
    select %(flag)s, version, user_id, variant, %(now)s, %(now)s, times
    from unnest(%(user_ids)s::uuid[], %(versions)s::integer[], %(variants)s::text[], %(times)s::integer[])
        as new (user_id, version, variant, times)
    join app.users on users.id = new.user_id and users.usage_shared_since is not null
    order by user_id
    on conflict (flag, version, user_id) do update set
        last_exposed_at = excluded.last_exposed_at,
        exposures = experiment_assignments.exposures + excluded.exposures
    returning user_id, variant
"""
_FORGET = "delete from app.experiment_assignments where user_id = %(user_id)s"
_OBSERVE = """
    insert into app.experiment_outcomes (flag, version, user_id, metric, occurred_at)
    select flag, version, user_id, %(metric)s, %(now)s
    from app.experiment_assignments
    where user_id = %(user_id)s and flag = any(%(flags)s)
    on conflict do nothing
"""


def expose(
    conn: Connection,
    flag: Flag,
    evaluations: Mapping[UUID, FlagEvaluationDetails[str]],
    times: Mapping[UUID, int],
    now: datetime,
) -> dict[UUID, str]:
    """Store the variant that each user is now shown, and return it by user.

    Whoever was given a variant by chance once keeps it for this version of the rules. Who has it by a rule that draws
    nothing, or does not allow that use is counted, is shown it and takes part in nothing.

    Args:
        conn: the transaction in which it is shown.
        flag: what is given.
        evaluations: by user, as `Flags.give` answers.
        times: by user, how often it is shown.
        now: when.
    """
    shown = {user_id: each.value for user_id, each in evaluations.items()}
    drawn = {user_id: each for user_id, each in evaluations.items() if each.reason == Reason.SPLIT}
    if not drawn:
        return shown
    values = {
        "flag": flag.key,
        "now": now,
        "user_ids": list(drawn),
        "versions": [each.flag_metadata[VERSION] for each in drawn.values()],
        "variants": [each.value for each in drawn.values()],
        "times": [times[user_id] for user_id in drawn],
    }
    return shown | dict(conn.execute(_EXPOSE, values).fetchall())


def observe(conn: Connection, metric: Metric, user_id: UUID, now: datetime) -> None:
    """Store that a user did what experiments count, for those they take part in; only the first time counts."""
    values = {"metric": metric, "user_id": user_id, "flags": flags_that_count(metric), "now": now}
    conn.execute(_OBSERVE, values)


def forget(conn: Connection, user_id: UUID) -> None:
    """Remove a user and their records from every experiment."""
    conn.execute(_FORGET, {"user_id": user_id})
