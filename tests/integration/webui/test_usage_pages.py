"""Allowing product events, when registering or later, and what pages then keep."""

_NAMES = """
    select e.name, e.properties from app.product_events e join app.users u on u.id = e.user_id
    where u.email = %s order by e.name
"""


def test_it_is_allowed_on_the_page_of_ones_data_and_taken_back_there(member, owner_db) -> None:
    page = member.get("/profile/data").text
    assert "Allow it" in page
    assert member.post("/profile/data/usage", {"shared": "true"}).status_code == 303
    assert "You have allowed it since" in member.get("/profile/data").text
    assert member.get("/dashboard").status_code == 200
    assert owner_db.execute(_NAMES, [member.email]).fetchall() == [("dashboard_viewed", {})]
    assert member.post("/profile/data/usage", {"shared": "false"}).status_code == 303
    assert "You have allowed it since" not in member.get("/profile/data").text
    member.get("/dashboard")
    assert owner_db.execute(_NAMES, [member.email]).fetchall() == []
    assert member.post("/profile/data/usage", {}).status_code == 400


def test_who_ticks_it_when_registering_is_counted_from_then_on(visitor, owner_db) -> None:
    assert 'name="shareUsage"' in visitor.get("/register").text
    assert visitor.register(shareUsage="true").status_code == 303
    made = visitor.get("/portfolios").text
    assert "shareUsage" not in made
    place = visitor.post("/portfolios", {"name": "one", "currency": "USD"}).headers["Location"]
    assert visitor.get(place).status_code == 200
    assert visitor.get(f"{place}/outlook").status_code == 200
    assert owner_db.execute(_NAMES, [visitor.email]).fetchall() == [
        ("forecast_viewed", {"subject": "portfolio"}),
        ("portfolio_made", {}),
        ("portfolio_viewed", {}),
        ("registered", {}),
    ]


def test_what_it_amounts_to_is_for_analysts_and_empty_before_the_first_build(
    member, administrator
) -> None:
    assert member.get("/admin/analytics").status_code == 403
    page = administrator.get("/admin/analytics")
    assert "Nothing was counted yet" in page.text
    assert administrator.get("/admin/analytics?weeks=0").status_code == 400
