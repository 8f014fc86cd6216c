"""Computes one price from many venues' quotes: the rule alone, without database, clock or network.

The guide `docs/guides/prices.md` states it in words.
"""
