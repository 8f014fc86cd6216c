"""Request and response bodies of `/watchlist`."""

from pydantic import ConfigDict

from webapi.http.schema import Output
from webapi.tokens.schemas import LISTED, ListedTokenOut


class WatchedOut(Output):
    """All tokens that one watches, by market cap, unknown last."""

    model_config = ConfigDict(json_schema_extra={"example": {"tokens": [LISTED]}})

    tokens: list[ListedTokenOut]
