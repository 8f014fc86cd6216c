"""The style guide: whatever pages are built of stands there, and nobody meets it in production."""

import re

from tests.integration.webui.conftest import Visitor
from tests.integration.webui.test_pages import running
from webui import icons


def test_it_shows_every_colour_size_and_icon(visitor) -> None:
    shown = visitor.get("/styleguide")
    assert shown.status_code == 200
    names = set(re.findall(r"<code>([\w-]+)</code>", shown.text))
    assert set(icons.NAMES) <= names
    assert {"--page", "--accent", "--up-wash", "--text-xs", "--text-3xl"} <= names
    assert 'aria-invalid="true"' in shown.text
    assert 'class="band80"' in shown.text


def test_there_is_none_in_production(api_settings) -> None:
    of_users = api_settings.model_copy(update={"environment": "production"})
    with running(of_users) as app:
        answer = Visitor(app.test_client()).get("/styleguide")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
