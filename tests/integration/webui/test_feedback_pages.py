"""The form by which users tell something, and the page on which it is read and closed."""

import io
import re

from tests.unit.parsing.test_pictures import told


def test_a_message_is_sent_read_and_closed(member, administrator) -> None:
    page = member.get("/feedback").text
    assert 'name="category"' in page
    refused = member.post("/feedback", {"category": "idea", "text": " "})
    assert refused.status_code == 400
    assert 'aria-invalid="true"' in refused.text
    text = f"<b>Fees</b> by month, says {member.email}"
    broken = (io.BytesIO(b"<svg/>"), "a.png")
    refused = member.post("/feedback", {"category": "idea", "text": text, "screenshot": broken})
    assert refused.status_code == 400
    assert "Must be a PNG, JPEG or WebP." in refused.text
    picture = (io.BytesIO(told("PNG")), "a.png")
    sent = member.post("/feedback", {"category": "idea", "text": text, "screenshot": picture})
    assert sent.status_code == 303
    assert "Thank you. We read every message." in member.get("/feedback").text

    assert member.get("/admin/feedback").status_code == 403
    page = administrator.get("/admin/feedback").text
    assert f"&lt;b&gt;Fees&lt;/b&gt; by month, says {member.email}" in page
    row = page[page.index(f"by month, says {member.email}") :]
    found = re.search(r'action="(/admin/feedback/[-0-9a-f]+)/answer"', row)
    assert found is not None
    assert member.get(f"{found[1]}/screenshot").status_code == 403
    shown = administrator.client.get(f"{found[1]}/screenshot")
    assert (shown.status_code, shown.mimetype) == (200, "image/webp")
    refused = administrator.post(f"{found[1]}/answer", {"text": " "})
    assert (refused.status_code, 'role="alert"' in refused.text) == (400, True)
    assert administrator.post(f"{found[1]}/answer", {"text": "It comes."}).status_code == 303
    assert member.email not in administrator.get("/admin/feedback").text
    closed = administrator.get("/admin/feedback?closed=true").text
    assert member.email in closed
    assert "It comes." in closed
