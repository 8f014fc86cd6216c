"""Intervals learn from outcomes: those of all tokens, those of one as far as they are many, and none before it is known."""

import numpy as np

from ml.evaluation import conformal
from ml.evaluation.scoring import NOMINAL

DAYS, TOKENS, HORIZON = 1400, 12, 7


def market(seed: int = 1) -> np.ndarray:
    """Conformities of forecasts that are right but for one token, whose scale is half of what it is taken for."""
    rng = np.random.default_rng(seed)
    scores = rng.random((TOKENS, DAYS))
    scores[0] = np.sqrt(scores[0])
    return scores


def miss(scores: np.ndarray, levels: np.ndarray, token: int) -> np.ndarray:
    """By how much the coverage of a token is off over the last half."""
    inside = scores[token, DAYS // 2 :, None] <= levels[token, DAYS // 2 : -1]
    return np.abs(inside.mean(axis=0) - NOMINAL)


def test_a_token_that_is_unlike_the_others_gets_a_level_of_its_own():
    scores = market()
    pooled = conformal.pooled_levels(scores, HORIZON)
    own = conformal.own_levels(scores, pooled, HORIZON)
    alike = np.broadcast_to(pooled, own.shape)
    assert miss(scores, alike, 0)[0] > 0.1
    assert (miss(scores, own, 0) < 0.5 * miss(scores, alike, 0)).all()
    others = [np.abs(own[token, -1] - pooled[-1]).max() for token in range(1, TOKENS)]
    assert max(others) < 0.03, "those that are like the pool stay near it"


def test_few_windows_leave_a_token_with_the_pool():
    scores = market()
    scores[0, : DAYS - 30 - HORIZON] = np.nan
    pooled = conformal.pooled_levels(scores, HORIZON)
    own = conformal.own_levels(scores, pooled, HORIZON)
    assert (own[0] == np.clip(pooled, 0.5, 0.9995)).all()


def test_a_level_knows_no_outcome_of_its_future():
    scores, day = market(), 700
    changed = scores.copy()
    changed[:, day - HORIZON + 1 :] = 0.0
    before, _ = conformal.run(tuple("abcdefghijkl"), np.repeat(scores[:, :, None], 4, axis=2))
    after, _ = conformal.run(tuple("abcdefghijkl"), np.repeat(changed[:, :, None], 4, axis=2))
    # Of seven days: a forecast of day t is answered on day t + 7.
    assert (before[:, : day + 1, 1] == after[:, : day + 1, 1]).all()
    assert not (before[:, day + HORIZON :, 1] == after[:, day + HORIZON :, 1]).all()


def test_a_tokens_own_level_is_ranked_among_all_its_known_outcomes():
    scores = market()
    scores[3, ::5] = np.nan
    pooled = conformal.pooled_levels(scores, HORIZON)
    known = np.sort(scores[3, : DAYS - HORIZON + 1])
    known = known[np.isfinite(known)]
    level = known[int(np.ceil((len(known) + 1) * 0.8)) - 1]
    share = len(known) / HORIZON / (len(known) / HORIZON + conformal.OWN_PRIOR_WINDOWS[0])
    own = conformal.own_levels(scores, pooled, HORIZON)
    assert own[3, -1, 0] == pooled[-1, 0] + share * (level - pooled[-1, 0])
