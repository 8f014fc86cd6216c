"""One price out of many venues' quotes: the rule alone, without a database, a clock or a network.

The guide `docs/guides/prices.md` states it in words.
"""
