"""Builds a format from its columns and the table of its rows."""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.layout import Layout, single
from coinsphere.portfolio.imports.formats.one_row import OneRow

_NO_CUSTOMS = Customs()


def declared(columns: tuple[Column, ...], rows: OneRow, customs: Customs = _NO_CUSTOMS) -> Layout:
    """The format in which each row is a transaction by itself."""
    return Layout(
        columns, single(rows.read), rows.told, customs=customs, identity=rows.identity, caution=rows.caution
    )  # fmt: skip


def grouped(
    columns: tuple[Column, ...], rows: GroupedRows, customs: Customs = _NO_CUSTOMS
) -> Layout:
    """The format in which some rows belong together."""
    return Layout(
        columns, rows.read, rows.rows.told, groups=rows.groups, customs=customs, identity=rows.rows.identity, caution=rows.caution,
    )  # fmt: skip
