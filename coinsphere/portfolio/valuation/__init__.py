"""Valuation of portfolios: closes, reference rates, and values of each day and of now."""
