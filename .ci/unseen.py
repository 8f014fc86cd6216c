"""What a check gives that could not look: a person reads that nothing was looked at, continuous integration goes red."""

import os

COULD_NOT_LOOK = 3
_UNSET = ("", "0", "false", "no")


def unseen(said: str, allowed_by: str | None = None) -> int:
    """Print why nothing was looked at; 0 on somebody's own machine, 3 where CI is set.

    Args:
        said: what was not looked at, and why.
        allowed_by: a variable of the environment by which whoever runs CI accepts that.
    """
    print(said)
    if not _is_set("CI") or (allowed_by and _is_set(allowed_by)):
        return 0
    way_out = f" Set {allowed_by}=1 to go on without." if allowed_by else ""
    print(f"In continuous integration that is a failure.{way_out}")
    return COULD_NOT_LOOK


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() not in _UNSET
