"""Statements over facts as they were known at a past instant, `%(as_of)s`.

A version of a fact was known from when it was entered (`updated_at`) until the next one was, or it was taken away. Which
transfers belong together is not kept by moment: two ends that were both known are matched as they are now.
"""

from typing import LiteralString

_PRESENT: LiteralString = ".superseded_at is null"
_ARRIVED: LiteralString = "where i.in_fact_id = t.fact_id and i.state <> 'rejected'"
_LEFT: LiteralString = """
    and exists (
        select from app.transactions departure
        where departure.fact_id = i.out_fact_id and departure.superseded_at is null
    )
"""
_KNOWN: LiteralString = """(
    {fact}.updated_at <= %(as_of)s and ({fact}.superseded_at is null or {fact}.superseded_at > %(as_of)s)
    and not exists (
        select from app.transactions newer
        where newer.fact_id = {fact}.fact_id and newer.version > {fact}.version and newer.updated_at <= %(as_of)s
    )
)"""
_ALIASES: tuple[LiteralString, ...] = ("t", "arrival", "departure")


def as_known(statement: LiteralString) -> LiteralString:
    """`statement`, rewritten from facts that count now to those that counted then."""
    known = statement.replace(_ARRIVED, _ARRIVED + _LEFT)
    for alias in _ALIASES:
        known = known.replace(alias + _PRESENT, _KNOWN.replace("{fact}", alias))
    return known
