"""Sessions are told apart by words that their owner knows."""

import pytest

from coinsphere import i18n
from webui import devices

MOZILLA = "Mozilla/5.0"
KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{MOZILLA} (X11; Linux x86_64) {KIT} HeadlessChrome/156.0.0.0 Safari/537.36", "Chrome on Linux"),
        (f"{MOZILLA} (Windows NT 10.0; Win64; x64) {KIT} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (f"{MOZILLA} (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on macOS"),
        (f"{MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) {KIT} Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) {KIT} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"{MOZILLA} (Linux; Android 15) {KIT} SamsungBrowser/27.0 Chrome/125.0 Mobile Safari/537.36", "Samsung Internet on Android"),
        ("python-httpx2/2.16.2", "python-httpx2/2.16.2"),
        ("<script>alert(1)</script> Chrome/1", "<script>alert(1)</script> Chrome/1"),
        ("", "Unknown program"),
        (None, "Unknown program"),
    ],
)  # fmt: skip
def test_a_session_has_a_name(user_agent, name) -> None:
    assert devices.named(user_agent) == name


def test_it_is_told_in_the_readers_language() -> None:
    with i18n.speaking("de"):
        assert devices.named(f"{MOZILLA} (X11; Linux x86_64) Firefox/143.0") == "Firefox auf Linux"
