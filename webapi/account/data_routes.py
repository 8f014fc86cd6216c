"""One's data: exported as a whole, or deleted."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict

from webapi.account import personal_data, schemas
from webapi.http.schema import Message, Output
from webapi.security import limits, step_up
from webapi.security.access import signed_in
from webapi.services import services

data = APIBlueprint("data", __name__, tag="Account")


class ExportOut(Output):
    """All rows of the account by table; see the guide of accounts."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "exportedAt": "2026-11-24T08:00:00Z",
                "users": [{"email": "ada@example.com"}],
            }
        },
    )


@data.get("/export")
@signed_in
@step_up.step_up
@limits.auth
@data.output(ExportOut)
def export_data() -> Response:
    """Everything that is stored of one's account, as one JSON document; needs a recent login."""
    answer = Response(personal_data.exported(services()), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{personal_data.FILE_NAME}"'
    return answer


@data.get("/usage")
@signed_in
@data.output(schemas.UsageOut)
def get_usage() -> dict[str, datetime | None]:
    """Whether one allows that product events are kept, and since when."""
    return {"shared_since": personal_data.usage_shared_since(services())}


@data.patch("/usage")
@signed_in
@data.input(schemas.UsageIn)
@data.output(schemas.UsageOut)
def change_usage(json_data: schemas.UsageIn) -> dict[str, datetime | None]:
    """Allow that product events are kept, or take that back.

    Product events say what was used on a day, by words of closed lists: no address, no amount, no name. Without being
    allowed none are kept, and with what takes it back go all that were.
    """
    return {"shared_since": personal_data.share_usage(services(), is_shared=json_data.shared)}


@data.post("/delete")
@signed_in
@limits.auth
@data.input(schemas.DeleteIn)
@data.output(Message, example={"message": "Account deleted"})
def delete_account(json_data: schemas.DeleteIn) -> dict[str, str]:
    """Delete one's account and all that belongs to it, at once and for good.

    What was paid stays in the books, without a name.
    """
    personal_data.delete(services(), json_data)
    return {"message": "Account deleted"}
