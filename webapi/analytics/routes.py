"""What users who allow it do with the product, for who runs the system."""

from apiflask import APIBlueprint

from webapi.analytics import schemas, use
from webapi.security.access import analyst

analytics = APIBlueprint("analytics", __name__, tag="Administration")


@analytics.get("")
@analyst
@analytics.input(schemas.AnalyticsQuery, location="query")
@analytics.output(schemas.AnalyticsOut)
def get_analytics(query_data: schemas.AnalyticsQuery) -> use.ProductUse:
    """How far new users come, who comes back, and what is used, of those alone who allow product events.

    dbt counts it hourly. Fewer than five people are not told.
    """
    return use.looked_at(query_data.weeks)
