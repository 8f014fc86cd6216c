"""Calls to exchanges: one client, within rate limits, with nonces and with responses of bounded size."""
