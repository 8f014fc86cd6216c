"""Who is told when: alarms of what users feel and of what runs full, and a budget."""

from aws_cdk import (
    Duration,
)
from aws_cdk import (
    aws_budgets as budgets,
)
from aws_cdk import (
    aws_cloudwatch as cloudwatch,
)
from aws_cdk import (
    aws_cloudwatch_actions as actions,
)
from aws_cdk import (
    aws_elasticloadbalancingv2 as elb,
)
from aws_cdk import (
    aws_kms as kms,
)
from aws_cdk import (
    aws_sns as sns,
)
from aws_cdk import (
    aws_sns_subscriptions as subscriptions,
)
from constructs import Construct
from front import Front
from installation import Installation
from services import Services
from storage import Storage

_GIB = 1024**3


class Watch(Construct):
    """Alarms that write to the operator's address."""

    def __init__(
        self,
        scope: Construct,
        installation: Installation,
        storage: Storage,
        services: Services,
        front: Front,
        *,
        key: kms.Key,
    ) -> None:
        super().__init__(scope, "Watch")
        self._name = installation.name
        self._topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        self._topic.add_subscription(subscriptions.EmailSubscription(installation.operator_email))
        self._users(front.balancer)
        self._database(storage, installation)
        self._cache(storage)
        for name, service in services.services.items():
            self._alarm(
                f"{name}-cpu", service.metric_cpu_utilization(), 90, "is at the end of its CPU"
            )
            self._alarm(
                f"{name}-memory", service.metric_memory_utilization(), 90, "runs out of memory"
            )
        self._budget(installation)

    def _users(self, balancer: elb.ApplicationLoadBalancer) -> None:
        minute = Duration.minutes(1)
        failed = balancer.metrics.http_code_target(
            elb.HttpCodeTarget.TARGET_5XX_COUNT, period=minute
        )
        asked = balancer.metrics.request_count(period=minute)
        share = cloudwatch.MathExpression(
            expression="100 * FILL(failed, 0) / MAX([asked, 1])",
            using_metrics={"failed": failed, "asked": asked},
            period=minute,
        )
        self._alarm("errors", share, 1, "answers more than 1 % of requests with an error")
        slow = balancer.metrics.target_response_time(statistic="p99", period=minute)
        self._alarm("latency", slow, 1, "takes a second or more for one request in a hundred")

    def _database(self, storage: Storage, installation: Installation) -> None:
        database = storage.database
        self._alarm(
            "database-cpu", database.metric_cpu_utilization(), 85, "leaves the database no CPU"
        )
        left = database.metric_free_storage_space()
        self._alarm(
            "database-disk",
            left,
            installation.storage * _GIB // 10,
            "has less than a tenth of its first disk left",
            cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )
        held = database.metric_database_connections()
        self._alarm("database-connections", held, 400, "holds many connections to the database")

    def _cache(self, storage: Storage) -> None:
        full = cloudwatch.Metric(
            namespace="AWS/ElastiCache",
            metric_name="DatabaseMemoryUsagePercentage",
            dimensions_map={"ReplicationGroupId": storage.cache.ref},
            statistic="Maximum",
        )
        self._alarm("cache-memory", full, 85, "fills its cache")

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        what: str,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._name}-{name}",
            alarm_description=f"{self._name} {what}",
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=5,
            datapoints_to_alarm=3,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        alarm.add_ok_action(actions.SnsAction(self._topic))

    def _budget(self, installation: Installation) -> None:
        address = budgets.CfnBudget.SubscriberProperty(
            address=installation.operator_email, subscription_type="EMAIL"
        )
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=installation.name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=installation.budget, unit="USD"
                ),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=threshold,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[address],
                )
                for kind, threshold in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )
