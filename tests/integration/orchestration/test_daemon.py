"""Dagster's daemon at rest: it keeps its connections, and reads the definitions only where they are not loaded."""

import time
from contextlib import ExitStack
from types import SimpleNamespace

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._core.workspace.workspace import CodeLocationEntry

from coinsphere.settings import sqlalchemy_url
from orchestration.servers import daemon
from tests.integration.orchestration.conftest import TEMPLATE


def test_it_keeps_its_connections(postgres, tmp_path, monkeypatch) -> None:
    (tmp_path / "dagster.yaml").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    url = sqlalchemy_url(postgres.url("dagster", "dagster"), "psycopg2")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    opened = []

    def note(connection: object, _: object) -> None:
        opened.append(connection)

    sa.event.listen(sa.pool.Pool, "connect", note)
    try:
        with daemon._connected() as instance:
            known = len(opened)
            for _ in range(10):
                instance.get_runs_count()
                instance.all_instigator_state()
                instance.get_daemon_statuses()
                instance.event_log_storage.get_event_records(
                    dg.EventRecordsFilter(dg.DagsterEventType.ASSET_OBSERVATION), limit=1
                )
    finally:
        sa.event.remove(sa.pool.Pool, "connect", note)
        for each in opened:
            each.close()
    assert len(opened) - known <= 3  # one for runs, events and schedules each


@pytest.mark.parametrize(("location", "looks"), [(None, 1), ("loaded", 0)])
def test_it_reads_the_definitions_where_they_are_not_loaded(
    postgres_instance, tmp_path, monkeypatch, location, looks
) -> None:
    looked = []
    nowhere = GrpcServerTarget("127.0.0.1", None, str(tmp_path / "socket"), "coinsphere")
    with ExitStack() as stack, monkeypatch.context() as patch:
        with pytest.warns(UserWarning, match="Error loading repository location coinsphere"):
            context = stack.enter_context(WorkspaceProcessContext(postgres_instance, nowhere))
        controller = SimpleNamespace(
            check_workspace_freshness=lambda last: looked.append(last) or last,
            _workspace_process_context=context,
        )
        patch.setattr(CodeLocationEntry, "code_location", location)
        seen = daemon._unless_loaded(controller)(7.0)
    assert len(looked) == looks
    assert (seen == 7.0) is bool(looks)
    assert looks or seen == pytest.approx(time.time(), abs=60)
