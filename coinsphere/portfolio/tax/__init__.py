"""Tax reports: what was realised and earned in a year, by the rules of a country. Reads only, and advises nobody."""
