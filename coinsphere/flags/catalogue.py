"""The catalogue of flags that code asks for. Rules (who gets which variant) are data; flags and variants are code."""

from dataclasses import dataclass

from coinsphere.i18n import N_

ON, OFF = "on", "off"
"""The variants of a flag that is asked for a boolean."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag: a question that code asks about a user, with the variants that may answer it.

    Attributes:
        key: its name, in the database and over the wire.
        about: what depends on it.
        variants: the possible answers; the first is the default, which holds where no rule decides.
        owner: who takes the flag out of the code once it is decided.
    """

    key: str
    about: str
    variants: tuple[str, ...]
    owner: str

    @property
    def default(self) -> str:
        """The variant without a rule that decides, and where rules cannot be read."""
        return self.variants[0]


ALERT_MAIL_WORDING = Flag(
    "alert-mail-wording",
    N_(
        "How the subject and first line of an alert's mail are worded: by the value that was seen, or by the threshold "
        "that was crossed."
    ),
    ("value", "crossing"),
    "alerts",
)

CATALOGUE = {flag.key: flag for flag in (ALERT_MAIL_WORDING,)}
"""By key."""
