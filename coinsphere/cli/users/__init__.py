"""Commands on what belongs to users: exchanges, portfolios, mails, experiments."""
