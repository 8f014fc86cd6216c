"""Which closes contradict their neighbours, of any interval: `coinsphere.market.quality.outliers` says when one does."""

from datetime import timedelta

import numpy as np
import pandas as pd

from coinsphere.market.quality.outliers import Series, longest_stretch, strays


def stray(frame: pd.DataFrame, opened_at: str, step: timedelta, ahead: pd.Series) -> pd.Series:
    """1 where a close contradicts its neighbours, 0 elsewhere; of pegged tokens nothing does.

    Args:
        frame: `token_id`, `peg_usd`, `open` and `close`, ascending by token and time; `vouched`, where there, tells
            which a person believes.
        opened_at: the column of the candles' starts.
        step: the candles' interval.
        ahead: how far each lies ahead of the present; such rows are passed over.
    """
    sound = (frame[["open", "close"]] > 0).all(axis=1) & (ahead <= 0)
    usable = frame[sound & frame["peg_usd"].isna()]
    flags = pd.Series(0, index=frame.index)
    for _, rows in usable.groupby("token_id"):
        starts = (rows[opened_at] - rows[opened_at].iloc[0]) // step
        series = Series(starts.tolist(), rows["open"].tolist(), rows["close"].tolist())
        vouched = np.flatnonzero(rows["vouched"]).tolist() if "vouched" in rows else []
        flags.loc[rows.index[_wrong(series, vouched)]] = 1
    return flags


def _wrong(series: Series, vouched: list[int]) -> list[int]:
    stretch = longest_stretch(series)
    wrong = {*strays(series, [*stretch, *vouched])}
    # What somebody vouches for is still found, or its release would end as if its cause were gone.
    return sorted(wrong | {*vouched} & {*strays(series, stretch)})
