"""How a portfolio did: returns, realised gains, contributions, risk, and the risk that forecasts imply."""
