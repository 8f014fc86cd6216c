"""What CloudFront takes from us-east-1 alone, wherever the rest is: the certificate and the firewall."""

from aws_cdk import Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_wafv2 as waf
from constructs import Construct
from installation import Installation

_MANAGED = (
    ("Reputation", "AWSManagedRulesAmazonIpReputationList", ()),
    # Imports are larger than 8 KiB, and the API bounds every body by itself.
    ("Common", "AWSManagedRulesCommonRuleSet", ("SizeRestrictions_BODY",)),
    ("BadInputs", "AWSManagedRulesKnownBadInputsRuleSet", ()),
    ("Sql", "AWSManagedRulesSQLiRuleSet", ()),
)
"""Name, AWS's rule group, and its rules that only count."""
_REQUESTS = 2000
"""Of one address within five minutes; the API's own limits are by user and finer."""


class Edge(Stack):
    """The certificate of the public name, and the firewall in front of it.

    Attributes:
        certificate: for CloudFront.
        firewall: its ARN.
    """

    def __init__(self, scope: Construct, installation: Installation) -> None:
        super().__init__(
            scope,
            f"{installation.name}-edge",
            env={"account": installation.account, "region": "us-east-1"},
            cross_region_references=True,
            description="Coinsphere: certificate and firewall of the edge",
        )
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=installation.zone_id, zone_name=installation.zone
        )
        self.certificate = acm.Certificate(
            self,
            "Certificate",
            domain_name=installation.host,
            validation=acm.CertificateValidation.from_dns(zone),
        )
        self.firewall = waf.CfnWebACL(
            self,
            "Firewall",
            scope="CLOUDFRONT",
            default_action={"allow": {}},
            visibility_config=_seen(installation.name),
            rules=[*_managed_rules(), _rate_rule(len(_MANAGED))],
        )


def _managed_rules() -> list[waf.CfnWebACL.RuleProperty]:
    return [
        waf.CfnWebACL.RuleProperty(
            name=name,
            priority=priority,
            override_action={"none": {}},
            statement=waf.CfnWebACL.StatementProperty(
                managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                    vendor_name="AWS",
                    name=group,
                    rule_action_overrides=[
                        {"name": rule, "actionToUse": {"count": {}}} for rule in counted
                    ]
                    or None,
                )
            ),
            visibility_config=_seen(name),
        )
        for priority, (name, group, counted) in enumerate(_MANAGED)
    ]


def _rate_rule(priority: int) -> waf.CfnWebACL.RuleProperty:
    return waf.CfnWebACL.RuleProperty(
        name="Rate",
        priority=priority,
        action={"block": {"customResponse": {"responseCode": 429}}},
        statement=waf.CfnWebACL.StatementProperty(
            rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=_REQUESTS
            )
        ),
        visibility_config=_seen("Rate"),
    )


def _seen(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        metric_name=name, cloud_watch_metrics_enabled=True, sampled_requests_enabled=True
    )
