"""What the setting chooses, and that the configuration of the guide is one that the libraries accept."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type

import orchestration
from coinsphere.errors import ConfigurationError
from coinsphere.settings import Executor, Settings
from orchestration.execution import executors

GUIDE = Path(orchestration.__file__).parents[1] / "docs" / "guides" / "orchestration.md"
REDIS = "redis://:a-secret@127.0.0.1:1/0"


@pytest.fixture(scope="module")
def blocks():
    """The YAML of the guide, by the name at its top."""
    texts = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    found = [yaml.safe_load(text) for text in texts]
    return SimpleNamespace(**{name: value for each in found for name, value in each.items()})


def _settings(executor: Executor) -> Settings:
    return Settings(dagster_executor=executor, redis_url=REDIS)


@pytest.mark.parametrize(
    ("executor", "name"),
    [
        (Executor.IN_PROCESS, "in_process"),
        (Executor.MULTIPROCESS, "multiprocess"),
        (Executor.CELERY, "celery"),
        (Executor.KUBERNETES, "k8s"),
    ],
)
def test_the_setting_names_the_executor(executor, name):
    made = executors.spreading(_settings(executor))
    assert isinstance(made, dg.ExecutorDefinition)
    assert made.name == name


@pytest.mark.parametrize("executor", list(Executor))
def test_a_run_that_yields_has_the_executors_configuration(executor):
    plain = executors.spreading(_settings(executor))
    polite = executors.yielding(plain)
    assert polite.config_schema is plain.config_schema
    assert polite.get_requirements({}) == plain.get_requirements({})


def test_a_run_yields_to_people(monkeypatch):
    """On a thread of its own, which Linux gives a priority of its own."""
    monkeypatch.setattr(executors, "NICENESS", executors.NICENESS + 1)
    inner = dg.ExecutorDefinition(
        "inner", executor_creation_fn=lambda _: os.getpriority(os.PRIO_PROCESS, 0)
    )
    with ThreadPoolExecutor(1) as thread:
        create = executors.yielding(inner).executor_creation_fn
        assert thread.submit(create, None).result() == executors.NICENESS
        monkeypatch.setattr(executors, "NICENESS", 1)
        assert thread.submit(create, None).result() > 1, "who yields more already goes on so"


def test_celery_needs_a_broker_and_prefers_one_of_its_own():
    with pytest.raises(ConfigurationError, match="CELERY_BROKER_URL"):
        executors.celery_arguments(Settings())
    own = Settings(redis_url=REDIS, celery_broker_url="redis://:another@127.0.0.1:2/0")
    assert executors.celery_arguments(own)["broker"].endswith(":2/0")
    assert executors.celery_arguments(_settings(Executor.CELERY))["broker"] == REDIS


def test_a_task_of_a_worker_that_died_is_taken_by_another():
    held = executors.celery_arguments(_settings(Executor.CELERY))["config_source"]
    assert held["task_acks_late"]
    assert held["task_reject_on_worker_lost"]


def test_the_launcher_of_the_guide_is_one_that_the_library_accepts(blocks):
    from dagster_k8s import K8sRunLauncher

    held = blocks.run_launcher
    assert (held["module"], held["class"]) == ("dagster_k8s", K8sRunLauncher.__name__)
    schema = resolve_to_config_type(K8sRunLauncher.config_type())
    assert process_config(schema, held["config"]).success
    assert not process_config(schema, {**held["config"], "job_imag": "x"}).success


def test_the_run_configuration_of_the_guide_is_one_that_the_library_accepts(blocks):
    schema = executors.spreading(_settings(Executor.KUBERNETES)).config_schema.config_type
    held = blocks.execution["config"]
    assert process_config(schema, held).success
    assert not process_config(schema, {**held, "max_concurent": 1}).success
