"""Tax reports: gains and income of a year by the rules of a country. Reads only, and is no advice."""
