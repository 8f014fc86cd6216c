"""Sentences of the API that pages show as they are said: named here, so that they are in the catalogues.

One that is missing here is shown in English.
"""

N_ = str
"""Marks what is to be translated where it is shown."""

OF_FORMS = (
    N_("Invalid credentials"),
    N_("Field required"),
    N_("is wrong"),
    N_("is wrong, or was used before"),
    N_("is no token that we know"),
    N_("is not valid, was used, or its time is over"),
    N_("must lie in the future"),
    N_("must have at least 8 characters"),
    N_("is one of the passwords that are tried first"),
    N_("must not be made of your name, your address or ours"),
    N_("was stolen from another service before: choose another one"),
    N_("an account with this address already exists"),
    N_("a token with this contract or CoinGecko id already exists"),
    N_("nobody may change their own account here"),
    N_("Open the page anew and send the form once more."),
    N_("Wait before you ask again."),
    N_("nothing of that time is stored"),
    N_("what it watches is not kept as it was"),
    N_("its values are kept in another currency than US dollars"),
    N_("no token has that symbol"),
)
