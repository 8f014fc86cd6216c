"""Expectation suites as asset checks: one check for each expectation, one step for each suite.

The names and severities are known without importing Great Expectations, whose import takes 4 to 7 s; the suite itself
is built inside the step. A failed ERROR blocks what lies downstream in the run, a WARN is shown.
"""
