"""Second factors, passkeys, API keys and one's data in a real browser, on a desktop and a phone; see `test_in_chromium`."""

import re
import secrets
import time
from dataclasses import replace
from typing import Any

import pyotp
import pytest

from tests.integration.local.chromium import PROGRAM
from tests.integration.webapi.conftest import PASSWORD
from tests.integration.webui.test_in_chromium import Walk
from tests.integration.webui.test_in_chromium import browser as browser  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import served as served  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import walk as walk  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)
HOSTILE = '"><img src=x onerror=alert(1)>'


def register(walk: Walk) -> str:
    """A new account, by name of host: passkeys belong to names."""
    walk.served = replace(walk.served, url=walk.served.url.replace("127.0.0.1", "localhost"))
    email = f"{secrets.token_hex(5)}@example.com"
    walk.go("/register")
    walk.page.get_by_label("E-mail address").fill(email)
    walk.page.get_by_label("Password", exact=True).fill(PASSWORD)
    walk.page.get_by_role("button", name="Create account").click()
    walk.page.get_by_role("heading", name="Dashboard").wait_for()
    return email


def log_out(walk: Walk) -> None:
    walk.go("/profile")
    walk.page.get_by_role("button", name="Log out").locator("visible=true").first.click()
    # The front page; or the page to log in, where the open page hears of its session's end before the answer comes.
    walk.page.wait_for_url(re.compile(r"/(login.*)?$"))
    walk.go("/login")


def give_password(walk: Walk, email: str) -> None:
    walk.page.get_by_label("E-mail address").fill(email)
    walk.page.get_by_label("Password", exact=True).fill(PASSWORD)
    walk.page.get_by_role("button", name="Log in", exact=True).click()


def authenticator(page: Any) -> None:
    """A device that keeps passkeys and knows its user, as DevTools make one."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": device})


def mended(walk: Walk) -> list[str]:
    """What was wrong, but for what the browser itself reports of a refused form."""
    return [each for each in walk.wrong if "status of 40" not in each]


def test_an_authenticator_app(walk) -> None:
    page, email = walk.page, register(walk)
    walk.go("/profile/security")
    walk.look("security-none")
    page.get_by_role("link", name="Add an app").click()
    page.get_by_role("button", name="Show the code").click()
    secret = "".join(page.locator("code").inner_text().split())
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Protect my account").click()
    page.get_by_text("Is wrong, or was used before.").wait_for()
    walk.look("security-app")
    assert "".join(page.locator("code").inner_text().split()) == secret
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Protect my account").click()
    page.get_by_text("They are shown this once.").wait_for()
    walk.look("security-codes")
    recovery = page.locator("#codes code").all_inner_texts()
    assert len(set(recovery)) == 10
    log_out(walk)
    give_password(walk, email)
    page.get_by_role("heading", name="One more step").wait_for()
    walk.look("login-code")
    page.get_by_label("Code", exact=True).fill("not a code")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("That code is wrong, or was used before.").wait_for()
    # The step after the one that was used: a drift of one is taken.
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(int(time.time()) + 30))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    log_out(walk)
    give_password(walk, email)
    page.get_by_label("Code", exact=True).fill(recovery[0])
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    walk.go("/profile/security")
    page.get_by_text("9 codes are left").wait_for()
    page.get_by_text("Remove it").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code of the app").fill(recovery[1])
    walk.look("security-app-removing")
    page.get_by_role("button", name="Remove the app").click()
    page.get_by_text("The authenticator app counts no more.").wait_for()
    assert mended(walk) == []


def test_a_passkey(walk) -> None:
    page, email = walk.page, register(walk)
    authenticator(page)
    walk.go("/profile/security")
    page.get_by_role("link", name="Add a passkey").click()
    walk.look("passkey-new")
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("They are shown this once.").wait_for()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text(HOSTILE).wait_for()
    walk.look("security-passkey")
    log_out(walk)
    page.get_by_role("button", name="Log in with a passkey").click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    log_out(walk)
    give_password(walk, email)
    page.get_by_role("button", name="Use a passkey").wait_for()
    walk.look("login-code-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    walk.go("/profile/security")
    page.get_by_role("button", name="Remove:").click()
    page.get_by_text("The passkey is removed").wait_for()
    log_out(walk)
    page.get_by_role("button", name="Log in with a passkey").click()
    page.locator("[data-fault]:visible, .alarm:visible").first.wait_for()
    assert mended(walk) == []


def test_keys_data_and_the_end(walk) -> None:
    page, email = walk.page, register(walk)
    walk.go("/profile/api-keys")
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_text("From where, and signed").click()
    page.get_by_label("Only from these addresses").fill("203.0.113.0/24\nnowhere")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_text("Is no address or network").wait_for()
    walk.look("api-keys-wrong")
    page.get_by_label("Only from these addresses").fill("203.0.113.0/24 127.0.0.0/8")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", name="Your new key").wait_for()
    walk.look("api-keys")
    key = page.locator("#key code").inner_text()
    asked = page.context.request.get
    api = f"{walk.served.url}/api/v1/portfolios"
    assert asked(api, headers={"Authorization": f"Bearer {key}"}).status == 200
    page.get_by_role("button", name="End: ").click()
    page.get_by_text("The key is dead from now on.").wait_for()
    assert asked(api, headers={"Authorization": f"Bearer {key}"}).status == 401
    walk.go("/profile/data")
    walk.look("data")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    assert email in download.value.path().read_text()
    page.get_by_role("heading", name="Delete the account").click()
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Delete my account for good").click()
    page.get_by_text("Is wrong.").wait_for()
    walk.look("data-deleting")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Delete my account for good").click()
    page.get_by_role("heading", name="Your account is deleted").wait_for()
    walk.look("data-gone")
    walk.go("/dashboard")
    page.get_by_role("heading", name="Log in").wait_for()
    assert mended(walk) == []
