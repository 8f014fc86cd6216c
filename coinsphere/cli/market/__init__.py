"""`coinsphere market`: candle files, names of tokens, quarantine, revisions."""
