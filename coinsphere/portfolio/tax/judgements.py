"""Judges whether a disposal is taxable by a regime, and why not. No I/O; use it with the decimal context `EXACT`."""

from coinsphere.i18n import N_
from coinsphere.portfolio.lots.movements import Dispose
from coinsphere.portfolio.model import ZERO, Use
from coinsphere.portfolio.tax.regimes import Regime
from coinsphere.portfolio.tax.report import Disposal, Question

LEFT_OUT = {
    Use.LOST: N_("what was lost or stolen: whether it counts has to be decided"),
    Use.GIFT: N_("given away: whether that is a disposal has to be decided"),
    Use.WITHDRAWAL: N_("left to where nobody knows: a payment would be a disposal"),
    Use.FEE: N_("a fee that bought nothing: whether its cost counts has to be decided"),
}
"""Why a use is in no sum where the regime does not count it."""


def judged(disposal: Disposal, regime: Regime) -> Disposal | Question:
    """The disposal where it counts and is known; else the question to ask."""
    is_bare_fee = disposal.use is Use.FEE and disposal.proceeds == ZERO
    counts_losses = Use.LOST in regime.counts
    if disposal.use not in regime.counts or (is_bare_fee and not counts_losses):
        reason = LEFT_OUT[disposal.use]
    elif disposal.cost is None:
        reason = N_("sold, but what it cost is unknown")
    elif disposal.proceeds is None:
        reason = N_("given, but what it brought is unknown")
    else:
        return disposal
    return Question(
        disposal.disposed_on, disposal.symbol, disposal.quantity, reason, disposal.fact_id
    )


def is_no_sale(move: Dispose) -> bool:
    """Whether the units were lost, given away, or a fee that bought nothing."""
    return move.use in (Use.LOST, Use.GIFT) or (move.use is Use.FEE and move.proceeds == ZERO)
