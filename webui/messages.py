"""Gathers what is to be translated into the catalogues: `python -m webui.messages`. Translate what is empty in them then."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

_ROOT = Path(__file__).parent.parent
_PACKAGES = ("coinsphere", "webapi", "webui")
_LANGUAGES = _ROOT / "coinsphere" / "locale"
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def gathered() -> Catalog:
    """All messages of pages and mails, in the order of their files."""
    catalogue = Catalog(project="Coinsphere", fuzzy=False)
    with (_ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    for package in _PACKAGES:
        for _, _, message, _, context in extract_from_dir(
            str(_ROOT / package), methods, options, _KEYWORDS, directory_filter=_is_ours
        ):
            catalogue.add(message, context=context)
    return catalogue


def stored() -> dict[Path, Catalog]:
    """The catalogues by their files."""
    files = sorted(_LANGUAGES.glob("*/LC_MESSAGES/messages.po"))
    return {file: _read(file) for file in files}


def main() -> None:
    """Add what is new to each catalogue, and take away what nobody says any more."""
    template = gathered()
    for file, catalogue in stored().items():
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with file.open("wb") as target:
            write_po(target, catalogue, no_location=True, omit_header=False, width=120)


def _read(file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=file.parent.parent.name)


def _is_ours(folder: str) -> bool:
    return Path(folder).name not in ("node_modules", "vendor", "static")


if __name__ == "__main__":
    main()
