"""The asset graph as a text that is reviewed like an interface: `graph.txt` beside this file.

After a change that is meant: `python tests/unit/orchestration/test_graph.py` writes it anew.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from coinsphere.settings import Settings
from orchestration.definitions import build_definitions

SNAPSHOT = Path(__file__).with_name("graph.txt")


def describe(repository: dg.RepositoryDefinition) -> str:
    """Assets, checks, jobs, schedules and sensors, in alphabetical order."""
    parts = (_assets, _checks, _jobs, _schedules, _sensors)
    return "\n".join(line for part in parts for line in (*part(repository), "")).rstrip() + "\n"


def _assets(repository: dg.RepositoryDefinition) -> Iterator[str]:
    yield "ASSETS: key [group, owners, kinds, pool, partitions] <- parents"
    graph = repository.asset_graph
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        facts = [
            node.group_name,
            " ".join(sorted(node.owners)),
            " ".join(sorted(node.kinds)),
            f"pool {' '.join(sorted(node.pools or ())) or '-'}",
            "daily" if node.partitions_def else "whole",
        ]
        parents = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        yield f"{key.to_user_string()} [{', '.join(facts)}] <- {parents or '-'}"


def _checks(repository: dg.RepositoryDefinition) -> Iterator[str]:
    yield "CHECKS of expectations: asset: name, ! where it blocks (dbt's own stand in dbt_project)"
    for key in sorted(repository.asset_graph.asset_check_keys, key=str):
        spec = repository.asset_graph.get_check_spec(key)
        if "severity" in spec.metadata:
            yield f"{key.asset_key.to_user_string()}: {key.name}{' !' if spec.blocking else ''}"


def _jobs(repository: dg.RepositoryDefinition) -> Iterator[str]:
    yield "JOBS: name {tags} (& where its run yields to people): steps"
    for job in sorted(repository.get_all_jobs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            tags = ", ".join(f"{name}={value}" for name, value in sorted(job.tags.items()))
            create = job.executor_def.executor_creation_fn
            yields = " &" if create is not None and "yielding" in create.__qualname__ else ""
            yield f"{job.name} {{{tags}}}{yields}: {', '.join(sorted(node.name for node in job.nodes))}"


def _schedules(repository: dg.RepositoryDefinition) -> Iterator[str]:
    yield "SCHEDULES: name, cron, time zone, state"
    for schedule in sorted(repository.schedule_defs, key=lambda schedule: schedule.name):
        when = f"{schedule.cron_schedule}, {schedule.execution_timezone}"
        yield f"{schedule.name}: {when}, {schedule.default_status.value}"


def _sensors(repository: dg.RepositoryDefinition) -> Iterator[str]:
    yield "SENSORS: name, least interval, state"
    for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name):
        yield f"{sensor.name}: {sensor.minimum_interval_seconds} s, {sensor.default_status.value}"


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_definitions(Settings()).get_repository_def()


def test_the_graph_is_the_one_that_was_reviewed(repository):
    assert describe(repository) == SNAPSHOT.read_text(encoding="utf-8")


def test_every_asset_says_what_it_is_whose_it_is_and_how_fresh_it_must_be(repository):
    graph = repository.asset_graph
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name != "default", key
        if node.is_materializable:
            assert node.freshness_policy is not None, key


def test_every_step_has_a_retry_policy(repository):
    for assets in repository.assets_defs_by_key.values():
        if assets.is_executable:
            for step in assets.node_def.iterate_op_defs():
                assert step.retry_policy is not None, step.name


def test_every_check_says_what_it_means(repository):
    specs = map(repository.asset_graph.get_check_spec, repository.asset_graph.asset_check_keys)
    assert all(spec.description for spec in specs if "severity" in spec.metadata)


def test_every_job_and_schedule_is_described_and_every_job_ends(repository):
    for job in repository.get_all_jobs():
        if not job.name.startswith("__"):
            assert job.description, job.name
            assert int(job.tags["dagster/max_runtime"]) > 0
    assert all(schedule.description for schedule in repository.schedule_defs)
    running = {schedule.default_status for schedule in repository.schedule_defs}
    assert running == {dg.DefaultScheduleStatus.RUNNING}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    SNAPSHOT.write_text(
        describe(build_definitions(Settings()).get_repository_def()), encoding="utf-8"
    )
