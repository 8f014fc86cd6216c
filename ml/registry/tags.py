"""What tags in MLflow say. Whoever reaches MLflow may write them: what makes no sense costs the model that it stands on."""

from collections.abc import Mapping
from datetime import datetime

from ml.data.horizons import HORIZONS
from ml.errors import ArtifactRefused

_HORIZONS = {str(days): days for days in HORIZONS}
_LONGEST_SHOWN = 60


def horizons(tags: Mapping[str, str], name: str) -> tuple[int, ...]:
    """The horizons in days that a tag names, separated by commas; none where the tag is missing or empty.

    Raises:
        ArtifactRefused: one of them is no horizon of ours.
    """
    named = [each.strip() for each in str(tags.get(name, "")).split(",")]
    try:
        return tuple(_HORIZONS[each] for each in named if each)
    except KeyError:
        raise _nonsense(tags, name, "no horizons") from None


def version(tags: Mapping[str, str], name: str) -> int:
    """The number of a version that a tag names.

    Raises:
        ArtifactRefused: it names none.
    """
    text = str(tags.get(name, ""))
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(1 << 31))):
        raise _nonsense(tags, name, "no version")
    return int(text)


def moment(tags: Mapping[str, str], name: str) -> datetime:
    """The moment, with its time zone, that a tag names.

    Raises:
        ArtifactRefused: it names none.
    """
    try:
        instant = datetime.fromisoformat(str(tags.get(name, "")))
    except ValueError:
        raise _nonsense(tags, name, "no moment") from None
    if instant.tzinfo is None:
        raise _nonsense(tags, name, "no time zone")
    return instant


def _nonsense(tags: Mapping[str, str], name: str, lacking: str) -> ArtifactRefused:
    shown = str(tags.get(name, ""))[:_LONGEST_SHOWN]
    return ArtifactRefused(f"the tag `{name}` in MLflow names {lacking}: {shown!r}")
