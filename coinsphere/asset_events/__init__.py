"""Bringing listings, alerts and books in line with what happened to a token."""
