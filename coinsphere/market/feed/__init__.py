"""The feed: one process that streams venues' tickers and computes prices several times a second."""
