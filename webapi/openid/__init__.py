"""Login by an account at an OpenID provider."""
