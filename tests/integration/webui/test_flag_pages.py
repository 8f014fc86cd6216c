"""The page of flags: rules as JSON, refused with their reason beside what was written."""

PATH = "/admin/flags/alert-mail-wording"


def test_rules_are_changed_by_administrators(administrator, member) -> None:
    assert member.get("/admin/flags").status_code == 403
    assert "alert-mail-wording" in administrator.get("/admin/flags").text
    for text, says in (
        ("[{", "This is no JSON"),
        ('[{"weights": {"<b>": 1}}]', "&#39;&lt;b&gt;&#39; is no variant of the flag"),
        ('[{"weights": {"value": 1}, "share": 0}]', "Rules.0.share"),
    ):
        refused = administrator.post(PATH, {"rules": text})
        assert refused.status_code == 400
        assert says in refused.text
        assert 'aria-invalid="true"' in refused.text
    changed = administrator.post(PATH, {"rules": '[{"weights": {"crossing": 1}, "share": 20}]'})
    assert changed.status_code == 303
    page = administrator.get("/admin/flags").text
    assert "{&#34;weights&#34;:{&#34;crossing&#34;:1},&#34;share&#34;:20}" in page
    assert "Changed; every process follows within two seconds." in page
    assert administrator.post(PATH, {"rules": "[]"}).status_code == 303
    assert administrator.post("/admin/flags/nothing", {"rules": "[]"}).status_code == 404
