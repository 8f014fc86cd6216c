"""Evaluates flags through OpenFeature's client, by rules from our database or by another server."""

import time
from collections.abc import Mapping
from threading import Lock
from typing import Self
from uuid import UUID, uuid4

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails
from psycopg import Connection

from coinsphere.flags import repository
from coinsphere.flags.catalogue import Flag
from coinsphere.flags.provider import RulesProvider
from coinsphere.flags.remote import RemoteProvider
from coinsphere.settings import Settings

CACHE_SECONDS = 2.0


class Flags:
    """Evaluates flags for users, with a provider of its own.

    Args:
        environment: the kind of this installation, as the setting names it.
        remote: a server that decides instead of the rules in the database.
    """

    def __init__(self, environment: str, remote: RemoteProvider | None = None) -> None:
        domain = f"coinsphere-{uuid4().hex}"
        self._provider = RulesProvider() if remote is None else remote
        api.set_provider_and_wait(self._provider, domain)
        context = EvaluationContext(attributes={"environment": environment})
        self._client = OpenFeatureClient(domain, None, context)
        self._until = 0.0
        self._reading = Lock()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The flags of an installation, by the provider that its settings name."""
        if settings.flags_url is None:
            return cls(settings.environment)
        token = settings.flags_token
        secret = None if token is None else token.get_secret_value()
        return cls(settings.environment, RemoteProvider(settings.flags_url, secret))

    def give(
        self, conn: Connection, flag: Flag, user_id: UUID, plan: str
    ) -> FlagEvaluationDetails[str]:
        """The variant that a user is given, and why; the default where rules are invalid.

        Args:
            conn: the rules are read by it where those that are known are older than `CACHE_SECONDS`.
            flag: what is asked.
            user_id: for whom.
            plan: what they pay for.
        """
        self._refresh(conn)
        return self._ask(flag, user_id, plan)

    def give_all(
        self, conn: Connection, flag: Flag, plans: Mapping[UUID, str]
    ) -> dict[UUID, FlagEvaluationDetails[str]]:
        """What `give` answers for each of many users, whose plans these are: asked once a plan where rules ask for no more."""
        self._refresh(conn)
        if not isinstance(self._provider, RulesProvider) or self._provider.tells_apart(flag):
            return {user_id: self._ask(flag, user_id, plan) for user_id, plan in plans.items()}
        one_of_each = {plan: user_id for user_id, plan in plans.items()}
        answers = {plan: self._ask(flag, user_id, plan) for plan, user_id in one_of_each.items()}
        return {user_id: answers[plan] for user_id, plan in plans.items()}

    def _ask(self, flag: Flag, user_id: UUID, plan: str) -> FlagEvaluationDetails[str]:
        context = EvaluationContext(str(user_id), {"plan": plan})
        return self._client.get_string_details(flag.key, flag.default, context)

    def forget(self) -> None:
        """Discard the rules, so that the next question reads them again."""
        self._until = 0.0

    def _refresh(self, conn: Connection) -> None:
        if not isinstance(self._provider, RulesProvider):
            return
        with self._reading:
            if time.monotonic() >= self._until:
                self._provider.learn(repository.stored(conn))
                self._until = time.monotonic() + CACHE_SECONDS
