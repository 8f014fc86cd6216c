"""How we call exchanges: one client, within their rate limits, with nonces and with answers of bounded size."""
