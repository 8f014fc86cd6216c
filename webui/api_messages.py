"""The API's messages that pages show, for translation into the reader's language.

The API writes English, and many messages hold a name or a number. So each message stands here as the API writes it, with a
placeholder for what varies, and is recognised by that. One that is missing here is shown in English.
"""

import re
from functools import cache

from coinsphere.i18n import ENGLISH, N_, gettext, language

OF_FORMS = (
    N_("Invalid credentials"),
    N_("Field required"),
    N_("Extra inputs are not permitted"),
    N_("Input should be %(choices)s"),
    N_("Input should be a valid decimal"),
    N_("Input should be greater than %(least)s"),
    N_("Input should be greater than or equal to %(least)s"),
    N_("Input should be less than %(most)s"),
    N_("Input should be less than or equal to %(most)s"),
    N_("String should have at least %(least)s character"),
    N_("String should have at least %(least)s characters"),
    N_("String should have at most %(most)s characters"),
    N_("must hold something that can be seen"),
    N_("must not hold spaces or characters that cannot be seen"),
    N_("is wrong"),
    N_("is wrong, or was used before"),
    N_("is no token that we know"),
    N_("is not valid, was used, or its time is over"),
    N_("is no e-mail address: %(why)s"),
    N_("is not a number"),
    N_("must be finite"),
    N_("must be a date as ISO 8601 writes it"),
    N_("must lie in the future"),
    N_("must not be null"),
    N_("must not hold a zero byte"),
    N_("must not hold control characters"),
    N_("must be below %(bound)s"),
    N_("must have at least %(least)s characters"),
    N_("must have at most %(most)s digits after the point"),
    N_("must have at most 254 characters"),
    N_("must have at most %(most)s bytes"),
    N_("must have at most %(most)s pixels"),
    N_("must be a PNG, JPEG or WebP"),
    N_("is one of the passwords that are tried first"),
    N_("must not be made of your name, your address or ours"),
    N_("was stolen from another service before: choose another one"),
    N_("an account with this address already exists"),
    N_("a token with this contract or CoinGecko id already exists"),
    N_("nobody may change their own account here"),
    N_("nobody may have more than %(most)s portfolios"),
    N_("nobody may have more than %(most)s alerts"),
    N_("nobody may have more than %(most)s API keys"),
    N_("nobody may have more than %(most)s connections"),
    N_("nobody may have more than %(most)s wallets"),
    N_("nobody may watch more than %(most)s tokens"),
    N_("nobody may send more than %(most)s messages a day"),
    N_("your plan has no room for more than %(most)s: see Plan in your account"),
    N_("your plan does not have this: see Plan in your account"),
    N_("the plan is yours already"),
    N_("the plan is paid by card"),
    N_("there is a subscription already"),
    N_("change it in the portal"),
    N_("a payment is on its way"),
    N_("it counts once it is confirmed"),
    N_("nothing was paid. Try again soon"),
    N_("plans are not paid in this way here"),
    N_("nothing was bought yet"),
    N_("this system sells nothing"),
    N_("the provider of payments does not answer"),
    N_("confirm your address first"),
    N_("the exchange refused the key"),
    N_("lies after the last day"),
    N_("ownership is not proved: %(why)s"),
    N_(
        "this looks like a seed phrase or a private key: never give it to anybody, not to us either"
    ),
    N_("%(what)s not found"),
)
"""What is wrong with a form."""

OF_PROBLEMS = (
    N_("Open the page anew and send the form once more."),
    N_("Wait before you ask again."),
    N_("This account may not do that."),
    N_("It contradicts what is stored."),
    N_("The request makes no sense to the server."),
    N_("A service that this needs is away; try again soon."),
    N_("Some fields are wrong; `details` names them."),
    N_("Admin access required"),
    N_("%(role)s access required"),
    N_("An administrator has switched this off for now."),
    N_("This link is not valid, or the alert was deleted."),
    N_("Service unavailable: %(what)s is switched off"),
    N_("service unavailable: the database does not answer"),
    N_("nothing of that time is stored"),
    N_("what it watches is not kept as it was"),
    N_("its values are kept in another currency than US dollars"),
    N_("no token has that symbol"),
    N_("there are under %(days)s days of returns"),
    N_("predictions are switched off"),
    N_("version %(version)s was refused at %(days)s d: %(reasons)s"),
    N_("version %(version)s has passed its gates and waits in the champion's shadow"),
)
"""Why something could not be done or is not known."""

OF_LOGINS = (
    N_("this login was begun elsewhere, or is over: start it again"),
    N_("your account and the one at the provider must have the same confirmed address"),
    N_(
        "an account with this address already exists: log in with its password, and link the provider in your profile"
    ),
    N_("this account at the provider opens an account already"),
    N_("nobody gets an account by the provider here"),
    N_("the provider has confirmed no address of yours"),
    N_("the provider's answer does not let you in"),
    N_("the provider is away: log in with your password, or try again soon"),
)
"""Why an OpenID provider lets nobody in."""

OF_ASSET_EVENTS = (
    N_("%(text)s is no ratio: write old units, a colon and new units, as 1:24000"),
    N_("a %(kind)s names the other token"),
    N_("a %(kind)s is of one token"),
    N_("a %(kind)s has no ratio"),
    N_("the other token is the token itself"),
    N_("it lies before %(year)s, when no token was traded"),
    N_("a redenomination changes the unit: name its ratio, as 1000:1"),
    N_("a redenomination counts from a midnight in UTC, as a day's candle has one unit"),
    N_("the other token became this one by an earlier event: remove that first"),
    N_(
        "the token has a successor, or another unit from that day on, already: remove that event first"
    ),
)
"""What administrators are told of an event of a token that cannot be."""

OF_FILES = (
    N_("is empty"),
    N_("is zero"),
    N_("is not text in UTF-8"),
    N_("is cut off: the file ends within it"),
    N_("is not understood"),
    N_("repeats the header"),
    N_("belongs to line %(line)s: %(why)s"),
    N_("%(cell)s is not a number"),
    N_("%(cell)s is out of range"),
    N_("%(cell)s is no kind of transaction"),
    N_("%(cell)s is no date that we know"),
    N_("%(cell)s is no time of day"),
    N_("%(cell)s is no time zone that we can tell"),
    N_("has more than 18 digits after the point"),
    N_("is negative, which does not fit %(kind)s"),
    N_("is %(sign)s: a fee that came back is a transaction of its own"),
    N_("is negative: what left was sent"),
    N_("is negative: a refund is a deposit"),
    N_("its status is %(status)s: it did not happen, or not yet"),
    N_("%(cell)s is no status that we know"),
    N_("is line %(line)s again"),
    N_("is deleted at Koinly"),
    N_("%(cell)s is no kind that we know"),
    N_("%(cell)s is no pair of assets"),
    N_("is %(state)s, which does not fit %(kind)s"),
    N_("is more than what left, which has it within"),
    N_("does not tell what the amount is of"),
    N_("is an NFT, which is not kept"),
    N_("changes no balance"),
    N_("an amount of zero"),
    N_("moved between your own accounts at %(exchange)s"),
    N_("was staked or lent and is still yours"),
    N_("was locked, lent or staked and is still yours"),
    N_("sets money aside for an order, or gives it back"),
    N_("is not yours yet"),
    N_("is no token"),
    N_("%(cell)s is no token priced in %(currency)s"),
    N_("sums what stands above"),
    N_("says something alone"),
    N_("moved between your own accounts"),
    N_("no column tells how much it was"),
    N_("is in another asset than %(asset)s"),
    N_("a transfer comes or goes: say transfer_in or transfer_out"),
    N_("moves a currency alone, which we do not keep"),
    N_("changes a currency into another, which we do not keep"),
    N_("the same asset under another name"),
    N_("has no header with the columns %(names)s"),
    N_("has no list of %(name)s"),
    N_("is no JSON: %(error)s"),
    N_("a generic file needs a mapping of date, token and amount at least"),
    N_("the mapping names columns that we do not have: %(names)s"),
    N_("columns of the file that %(what)s: %(names)s; without them, is all said?"),
    N_("%(cell)s in line %(line)s can be read in more than one order of day and month"),
    N_("the column %(name)s is in a local time that the file does not name"),
    N_("each date is the same in both orders"),
    N_("%(total)s is not the subtotal and the fees, %(wanted)s"),
    N_("%(worth)s is not what %(quantity)s at %(price)s are worth, %(wanted)s"),
    N_(
        "is one side of an exchange, whose other side is missing: it is booked as moved, without a price"
    ),
    N_("%(kind)s: positions are not kept"),
    N_(
        "has no type and no price: by its sign it is taken for a purchase or a sale, and may have been moved"
    ),
    N_("is no transaction"),
    N_("has a fee, and nothing tells whether the quantity has it within: it is not booked"),
    N_("as answered"),
    N_("fits all cells"),
)
"""What is found in a file that is imported."""

_EVERYTHING = (*OF_FORMS, *OF_PROBLEMS, *OF_LOGINS, *OF_ASSET_EVENTS, *OF_FILES)
_PLACE = re.compile(r"%\((\w+)\)s")
_NESTED = "why"
"""A place of this name holds a sentence, too."""


def in_words(text: str) -> str:
    """What the API said, in the reader's language; as it is where that is English, or nobody has translated it."""
    # To nothing gettext answers with the head of its catalogue.
    if language() == ENGLISH or not text:
        return text
    known = gettext(_plain().get(_bare(text), text))
    return known if known != text else _by_its_form(text)


def _by_its_form(text: str) -> str:
    for message, form in _forms():
        match = form.fullmatch(_bare(text))
        if match is not None:
            values = {
                name: in_words(value) if name == _NESTED else value
                for name, value in match.groupdict().items()
            }
            return gettext(message) % values
    return text


def _bare(text: str) -> str:
    """A sentence as it stands above: the API may have begun it with a capital letter and ended it with a point."""
    return f"{text[:1].lower()}{text[1:]}".removesuffix(".")


@cache
def _plain() -> dict[str, str]:
    """Sentences without places, by their bare form."""
    return {_bare(each): each for each in _EVERYTHING if not _PLACE.search(each)}


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each sentence with places, and what it looks like when they are filled; what says most of itself comes first."""
    with_places = [each for each in _EVERYTHING if _PLACE.search(each)]
    with_places.sort(key=lambda each: (-len(_PLACE.sub("", each)), each))
    return tuple((each, _form(each)) for each in with_places)


def _form(message: str) -> re.Pattern[str]:
    parts = [
        f"(?P<{text}>.+?)" if index % 2 else re.escape(text)
        for index, text in enumerate(_PLACE.split(_bare(message)))
    ]
    return re.compile("".join(parts), re.DOTALL)
