"""Every format that is read can be asked for, and is stored and booked."""

from typing import get_args

from coinsphere.portfolio.imports.formats.layouts import FORMATS
from tests.integration.webapi.books import bring, make
from tests.integration.webapi.conftest import exact
from webapi.portfolios.files.schemas import ImportIn


def test_the_api_names_all_formats_that_are_read() -> None:
    assert set(get_args(ImportIn.model_fields["format"].annotation)) == set(FORMATS)


def test_a_file_of_bitstamp_is_booked(person, prices, module_database) -> None:
    made = make(person, currency="EUR")
    content = (
        "ID,Account,Type,Subtype,Datetime,Amount,Amount currency,Value,Value currency,Rate,Rate currency,Fee,Fee currency,Order ID\n"
        "1,Main Account,Market,Buy,2026-02-01T10:00:00Z,0.5,BTC,20000,EUR,40000,EUR,10,EUR,7\n"
        "2,Main Account,Withdrawal,,2026-02-02T10:00:00Z,0.1,BTC,,,,,0.0001,BTC,\n"
    )
    done = bring(person, made, content, module_database, "bitstamp")
    assert (done["rowsImported"], done["problemCount"]) == (2, 0)
    again = bring(person, made, content, module_database, "bitstamp")
    assert (again["rowsImported"], again["rowsKnown"]) == (0, 2)
    (held,) = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["holdings"]
    assert str(held["amount"]) == "0.3999"
