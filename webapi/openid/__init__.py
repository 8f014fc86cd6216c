"""Log in by an account at an OpenID provider."""
