"""The page of tax reports: chosen by country and year, with its files."""


def test_a_report_is_shown_and_its_files_are_offered(member) -> None:
    page = member.get("/tax?regime=uk&year=2024")
    assert page.status_code == 200, page.text
    assert "not tax advice" in page.text
    assert "section 104 pool" in page.text
    assert "Nothing in that year." in page.text
    paper = member.client.get("/tax/uk/2024/pdf")
    assert paper.data.startswith(b"%PDF-1.")
    assert member.get("/tax/uk/2024/csv").text.startswith("section,date,")
    assert member.get("/tax?regime=nowhere").status_code == 404
    assert 'href="/tax"' in member.get("/portfolios").text


def test_the_notes_of_a_regime_are_in_the_readers_language(member) -> None:
    member.get("/profile")
    member.post("/language", {"language": "de", "next": "/tax"})
    page = member.get("/tax?regime=uk&year=2024")
    for said in (
        "Vereinigtes Königreich",
        "dann der Pool nach Section 104",
        "keine Steuerberatung",
    ):
        assert said in page.text
    assert "section 104 pool" not in page.text
