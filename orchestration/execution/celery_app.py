"""The app of Celery workers: `dagster-celery worker start -A orchestration.execution.celery_app`. Needs the extra `celery`."""

from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from coinsphere.settings import Settings
from orchestration.execution import executors

app = make_app(executors.celery_arguments(Settings.from_env()))
execute_plan = create_task(app)
