"""The pages shown when a guarded server refuses a request."""

from html import escape

UNKNOWN = (
    "Only the person who runs Coinsphere may use this server: send `Authorization: Bearer` with the token that "
    "`coinsphere links --token` prints, or open a link of `coinsphere links` in a browser."
)
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in to {service}</title>
<style>body {{ font: 1rem/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }}</style>
<h1>Sign in to {service}</h1>
<p>Only the person who runs Coinsphere may look here. Run <code>coinsphere links</code> and open the link that it
prints; a link opens once, within an hour.</p>
{more}
</html>
"""
_CONTINUE = """<p>Signed in before, and came by a link of another page, such as a mail's? <a href="">Go on.</a></p>"""


def sign_in(service: str, *, may_continue: bool) -> str:
    """The page shown in place of one that needs a pass.

    Args:
        service: its name.
        may_continue: offer to ask again: a browser holds the cookie back where another site's link leads here.
    """
    return _PAGE.format(service=escape(service), more=_CONTINUE if may_continue else "")
