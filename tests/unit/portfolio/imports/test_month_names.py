"""The stored names of months are those of the Babel that is installed."""

from coinsphere.portfolio.imports.formats import month_names


def test_names_are_those_of_cldr_as_it_is_installed() -> None:
    assert month_names.stored() == month_names.of_cldr(), "`make months` stores them"
