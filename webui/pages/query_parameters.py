"""A page's query parameters, in the form in which the API's models take them."""

from flask import request


def given(*names: str) -> dict[str, str]:
    """Parameters of those names that are not empty."""
    return {name: request.args[name] for name in names if request.args.get(name)}
