"""Commands about users' exchanges, portfolios, mails and experiments."""
