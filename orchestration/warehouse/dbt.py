"""dbt as a resource: Dagster's client, given the environment of our settings for each call."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliInvocation, DbtCliResource
from dagster_dbt.compat import DBT_PYTHON_VERSION

from coinsphere.observability import traces
from coinsphere.settings import Settings
from orchestration.warehouse import project, traced_dbt


class _InstalledDbt(DbtCliResource):
    """Dagster's client of the dbt that is installed beside it, whose package tells its version.

    The client itself starts `dbt --version` before each call: five seconds of a core, and a question to the package
    index about newer ones.
    """

    @cached_property
    def _cli_version(self) -> Any:
        return DBT_PYTHON_VERSION

    def _initialize_dbt_core_adapter(self, _args: Sequence[str]) -> Any:
        """None: a connection by dbt's own code, which costs its import in each run. Rows are counted by ours."""
        return None


class Dbt:
    """Runs dbt against the database of `settings`.

    The client reads the process's environment when it starts dbt and when it reads the profile, so the variables stand
    there during the call and no longer: `Settings` refuses variables that it does not know.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def cli(self, args: Sequence[str], context: dg.AssetExecutionContext) -> DbtCliInvocation:
        """Start dbt for the assets that `context` selects; stream the answer to see it through.

        It writes into one folder of the state: a folder for each run, which is Dagster's way, would never be removed,
        and the pool `dbt` lets one run at a time.
        """
        with self._client() as client:
            return client.cli(list(args), context=context, target_path=self.target)

    def run(self, args: Sequence[str]) -> bool:
        """Run dbt for no asset, to its end; whether it found nothing wrong. It writes into the same folder."""
        with self._client() as client:
            invocation = client.cli(list(args), raise_on_error=False, target_path=self.target)
            return invocation.wait().is_successful()

    @contextmanager
    def _client(self) -> Iterator[_InstalledDbt]:
        """Dagster's client and the environment of its calls; where the present step is told, it runs a dbt that tells, too."""
        header = traces.header()
        variables = project.environment(self._settings)
        if header is not None:
            variables |= traced_dbt.variables(self._settings, header)
        with _environment(variables):
            yield _InstalledDbt(
                project_dir=os.fspath(project.PROJECT),
                profiles_dir=os.fspath(project.PROJECT),
                dbt_executable=project.executable("dbt" if header is None else traced_dbt.PROGRAM),
            )

    @property
    def target(self) -> Path:
        """The folder that dbt writes into."""
        target = self._settings.state / "dbt"
        target.mkdir(parents=True, exist_ok=True)
        return target


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
