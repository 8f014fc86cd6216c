"""The executors of training runs: processes of this machine, Celery workers, or pods.

Only jobs with a step for each token use it; all others are faster in one process
(docs/adr/0070-runs-in-one-process.md).
"""

import os
from typing import Any

import dagster as dg
from dagster import _check as check

from coinsphere.settings import Executor, Settings

NICENESS = 15
"""As base backups have it. A login's hash, which yields to reads by 19, is not starved by a training of days."""
QUEUE = "dagster"
"""What Celery workers listen to; dagster-celery's own name."""


def yielding(executor: dg.ExecutorDefinition) -> dg.ExecutorDefinition:
    """The same executor, in a run that takes the cores only where nothing that answers people wants them.

    What is started from the run's process, as steps in processes of their own, does so, too.
    """

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        present = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, max(present, NICENESS))
        return check.not_none(executor.executor_creation_fn)(context)

    # A schema that is a definition already is taken as it is, which its type does not say.
    schema: Any = executor.config_schema
    return dg.ExecutorDefinition(
        executor.name, schema, executor.get_requirements, create, executor.description
    )


def spreading(settings: Settings) -> dg.ExecutorDefinition:
    """The executor of jobs that spread over tokens."""
    if settings.dagster_executor is Executor.CELERY:
        from dagster_celery import celery_executor

        return celery_executor.configured(celery_arguments(settings), name="celery")
    if settings.dagster_executor is Executor.KUBERNETES:
        from dagster_k8s import k8s_job_executor

        return k8s_job_executor
    if settings.dagster_executor is Executor.IN_PROCESS:
        return dg.in_process_executor
    return dg.multiprocess_executor.configured(
        {"max_concurrent": settings.ml_processes}, name="multiprocess"
    )


def celery_arguments(settings: Settings) -> dict[str, Any]:
    """Celery's configuration, which runs and workers share.

    A task is acknowledged when it is done and not when it is fetched, so that of a worker that dies another one takes it.

    Raises:
        ConfigurationError: there is no Redis.
    """
    broker = settings.celery_broker_dsn
    return {
        "broker": broker,
        "backend": broker,
        "config_source": {
            "broker_connection_retry_on_startup": True,
            "task_acks_late": True,
            "task_reject_on_worker_lost": True,
            "worker_prefetch_multiplier": 1,
            # Longer than any step: a task that is not done by then is given to another worker, too.
            "broker_transport_options": {"visibility_timeout": 6 * 60 * 60},
            "result_expires": 24 * 60 * 60,
        },
    }
