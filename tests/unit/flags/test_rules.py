"""Which rule decides, who is in a share, and which rules are refused."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.flags.catalogue import ALERT_MAIL_WORDING, Flag
from coinsphere.flags.rules import Asked, BadRules, Decision, decide, parse, position

FLAG = ALERT_MAIL_WORDING
OTHER = Flag("other", "Another.", ("value", "crossing"), "nobody")
ADA, BOB = UUID(int=1), UUID(int=2)
USERS = [UUID(int=number) for number in range(10_000)]
HALVES = {"value": 1, "crossing": 1}


def given_to(rules: list, user: UUID = ADA, plan: str = "free", environment: str = "local"):
    return decide(FLAG, parse(FLAG, rules), Asked(user, plan, environment))


def test_every_condition_of_a_rule_must_hold_and_the_first_that_fits_decides() -> None:
    rules = [
        {"weights": {"crossing": 1}, "userIds": [str(ADA)], "plans": ["pro"]},
        {"weights": {"value": 1}, "userIds": [str(ADA)]},
        {"weights": {"crossing": 1}, "environments": ["production"]},
    ]
    assert given_to(rules, plan="pro") == Decision("crossing", was_drawn=False)
    assert given_to(rules) == Decision("value", was_drawn=False)
    assert given_to(rules, BOB, "pro") is None
    assert given_to(rules, BOB, environment="production") == Decision("crossing", was_drawn=False)
    assert given_to([]) is None


def test_a_share_is_of_its_size_and_a_larger_one_holds_the_smaller() -> None:
    inside = {}
    for share in (10, 30, 100):
        rule = [{"weights": {"crossing": 1}, "share": share}]
        inside[share] = {user for user in USERS if given_to(rule, user)}
    assert inside[10] < inside[30] < inside[100] == set(USERS)
    # Four standard deviations.
    assert abs(len(inside[10]) - 1000) < 120
    assert abs(len(inside[30]) - 3000) < 184


def test_weights_are_kept_and_another_share_gives_nobody_another_variant() -> None:
    weights = {"value": 1, "crossing": 3}
    drawn = {user: given_to([{"weights": weights}], user) for user in USERS}
    counts = Counter(each.variant for each in drawn.values())
    assert abs(counts["value"] - 2500) < 174
    assert {each.was_drawn for each in drawn.values()} == {True}
    some = {user: given_to([{"weights": weights, "share": 40}], user) for user in USERS}
    assert all(each == drawn[user] for user, each in some.items() if each)
    assert given_to([{"weights": {"value": 0, "crossing": 5}}]).was_drawn is False


def test_flags_and_purposes_are_drawn_independently() -> None:
    for flag, purpose in ((OTHER, "variant"), (FLAG, "share")):
        both = sum(
            position(FLAG, "variant", user) < 0.5 and position(flag, purpose, user) < 0.5
            for user in USERS
        )
        assert abs(both - 2500) < 174


@given(st.uuids())
def test_a_position_stays_and_lies_in_the_half_open_interval(user: UUID) -> None:
    assert position(FLAG, "variant", user) == position(FLAG, "variant", UUID(str(user)))
    assert 0 <= position(FLAG, "variant", user) < 1


def test_positions_are_those_of_every_release() -> None:
    """Another hash would give everybody another variant in the middle of an experiment."""
    assert position(FLAG, "variant", ADA) == pytest.approx(0.9069922782959667, abs=1e-12)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("nonsense", "array"),
        ([{}], "weights"),
        ([{"weights": {"shout": 1}}], "rule 1: 'shout' is no variant"),
        ([{"weights": {}}], "rule 1: no variant has a weight"),
        ([{"weights": {"value": 0}}], "rule 1: no variant has a weight"),
        ([{"weights": {"value": -1}}], ">= 0"),
        ([{"weights": {"value": 1}, "share": 0}], ">= 1"),
        ([{"weights": {"value": 1}, "share": 101}], "<= 100"),
        ([{"weights": {"value": 1}, "plans": ["gold"]}], "gold"),
        ([{"weights": {"value": 1}, "userIds": ["ada"]}], "UUID"),
        ([{"weights": {"value": 1}, "country": "de"}], "country"),
        ([{"weights": {"value": 1}}, {"weights": HALVES}], "rule 2 decides nothing"),
        ([{"weights": HALVES, "share": 9}, {"weights": HALVES}], "two rules draw"),
    ],
)
def test_rules_that_mean_nothing_are_refused_with_the_reason(rules, says: str) -> None:
    with pytest.raises(BadRules, match=says.replace("(", r"\(")):
        parse(FLAG, rules)
