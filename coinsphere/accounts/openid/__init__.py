"""Login by an OpenID provider (OpenID Connect Core 1.0): the requests to it, and the checks of its answers."""
