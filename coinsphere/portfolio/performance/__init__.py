"""Performance of a portfolio: returns, realised gains, contributions, risk, and the risk that forecasts imply."""
