"""A login by an OpenID provider (OpenID Connect Core 1.0): what is asked of it, and what of its answers is believed."""
