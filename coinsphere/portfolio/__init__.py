"""Portfolios: transactions as facts, the lots and positions that follow, their values, performance and imports."""
