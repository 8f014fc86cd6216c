"""What an administrator sees of background jobs, and does with them."""

from datetime import timedelta

from .conftest import V1, assert_problem
from .test_admin import told


def _job(owner_db, status: str, task: str = "anchor_audit") -> int:
    return owner_db.execute(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, status, args)"
        " values ('housekeeping', %s, %s, '{\"timestamp\": 1}') returning id",
        [task, status],
    ).fetchone()[0]


def test_jobs_are_listed_tried_again_and_cancelled_and_that_is_told(
    administrator, person, analyst, owner_db
) -> None:
    owner_db.execute("delete from jobs.procrastinate_jobs")
    failed = [_job(owner_db, "failed", f"task_{each}") for each in range(3)]
    waiting = _job(owner_db, "todo")
    for nobody in (person, analyst):
        assert_problem(nobody.get("/admin/jobs"), 403)
    first = administrator.get("/admin/jobs?limit=2").json
    assert [each["id"] for each in first["jobs"]] == failed[:0:-1]
    rest = administrator.get(f"/admin/jobs?limit=2&cursor={first['nextCursor']}").json
    assert [each["id"] for each in rest["jobs"]] == failed[:1]
    assert rest["nextCursor"] is None
    shown = administrator.get("/admin/jobs?state=waiting&queue=housekeeping").json["jobs"]
    assert [(each["id"], each["state"]) for each in shown] == [(waiting, "waiting")]
    assert administrator.get("/admin/jobs?queue=mail").json["jobs"] == []
    one = administrator.get(f"/admin/jobs/{waiting}").json
    assert (one["job"]["task"], one["events"][0]["event"]) == ("anchor_audit", "deferred")

    assert administrator.post(f"/admin/jobs/{failed[0]}/retry").json == {"id": failed[0]}
    assert_problem(administrator.post(f"/admin/jobs/{failed[0]}/retry"), 404)
    assert administrator.get(f"/admin/jobs/{failed[0]}").json["job"]["state"] == "waiting"
    for each in (failed[1], waiting):
        assert administrator.post(f"/admin/jobs/{each}/cancel").json == {"id": each}
        assert_problem(administrator.get(f"/admin/jobs/{each}"), 404)
    assert told(owner_db, "admin.job_retried", str(failed[0])) == [{"task": "task_0"}]
    assert told(owner_db, "admin.job_cancelled", str(waiting)) == [{"task": "anchor_audit"}]


def test_what_runs_or_is_waited_for_is_not_cancelled_nor_is_what_is_no_job(
    administrator, owner_db
) -> None:
    kept = [_job(owner_db, "doing"), _job(owner_db, "todo", "sync_wallet")]
    for which in (*kept, "0", "x", "-1", "²", str(1 << 63)):
        assert_problem(administrator.post(f"/admin/jobs/{which}/cancel"), 404)
    assert [administrator.get(f"/admin/jobs/{each}").status_code for each in kept] == [200, 200]


def test_a_cancellation_asks_for_a_recent_login(administrator, owner_db, clock) -> None:
    job = _job(owner_db, "failed")
    clock[0] += timedelta(minutes=9)
    answer = administrator.ask("POST", f"/admin/jobs/{job}/cancel")
    clock[0] -= timedelta(minutes=9)
    assert answer.status_code in (401, 403), answer.text
    assert administrator.client.get(f"{V1}/admin/jobs/{job}").status_code == 401
    assert administrator.post(f"/admin/jobs/{job}/cancel").status_code == 200
