"""The one origin of API, pages and stream: CloudFront with its firewall, and a load balancer that only it may ask."""

from aws_cdk import (
    Duration,
    RemovalPolicy,
)
from aws_cdk import (
    aws_certificatemanager as acm,
)
from aws_cdk import (
    aws_cloudfront as cloudfront,
)
from aws_cdk import (
    aws_cloudfront_origins as origins,
)
from aws_cdk import (
    aws_ec2 as ec2,
)
from aws_cdk import (
    aws_elasticloadbalancingv2 as elb,
)
from aws_cdk import (
    aws_route53 as route53,
)
from aws_cdk import (
    aws_route53_targets as targets,
)
from aws_cdk import (
    aws_secretsmanager as secretsmanager,
)
from constructs import Construct
from edge import Edge
from installation import Installation
from network import Network
from services import API, STREAM, Process, Services
from storage import log_bucket

SECRET_HEADER = "X-Origin-Secret"  # noqa: S105 - the header's name
STREAM_PATH = "/api/v1/ws"
_READY = {"api": "/health/ready", "stream": "/health"}


class Front(Construct):
    """The way in.

    CloudFront sends a secret header, and the load balancer answers 403 without it: nobody goes past the firewall by
    another distribution of CloudFront, whose addresses are all that the security group can tell.

    Attributes:
        balancer: the load balancer, reached by CloudFront alone.
        distribution: what the world asks.
    """

    def __init__(
        self,
        scope: Construct,
        installation: Installation,
        network: Network,
        services: Services,
        edge: Edge,
    ) -> None:
        super().__init__(scope, "Front")
        removal = RemovalPolicy.RETAIN if installation.is_kept else RemovalPolicy.DESTROY
        self._logs = log_bucket(self, "AccessLogs", removal)
        self._secret = secretsmanager.Secret(
            self,
            "OriginSecret",
            secret_name=f"{installation.name}/origin",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=48
            ),
        )
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=installation.zone_id, zone_name=installation.zone
        )
        origin = f"origin.{installation.host}"
        self.balancer = self._balancer(installation, network)
        listener = self._listener(origin, zone)
        for priority, (process, paths) in enumerate(((STREAM, [STREAM_PATH]), (API, ["/*"])), 1):
            self._target(listener, network, services, process, paths, priority=priority)
        self._alias("OriginName", zone, origin, targets.LoadBalancerTarget(self.balancer))
        self.distribution = self._distribution(installation, origin, edge)
        self._alias("Name", zone, installation.host, targets.CloudFrontTarget(self.distribution))

    def _balancer(
        self, installation: Installation, network: Network
    ) -> elb.ApplicationLoadBalancer:
        group = ec2.SecurityGroup(
            self, "Balancer", vpc=network.vpc, description="Load balancer, asked by CloudFront"
        )
        group.add_ingress_rule(
            ec2.Peer.prefix_list(installation.cloudfront_prefix_list),
            ec2.Port.tcp(443),
            "CloudFront",
        )
        balancer = elb.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=network.vpc,
            internet_facing=True,
            security_group=group,
            drop_invalid_header_fields=True,
            desync_mitigation_mode=elb.DesyncMitigationMode.STRICTEST,
            deletion_protection=installation.is_kept,
            idle_timeout=Duration.seconds(120),
            http2_enabled=True,
        )
        balancer.log_access_logs(self._logs, prefix="balancer")
        return balancer

    def _listener(self, origin: str, zone: route53.IHostedZone) -> elb.ApplicationListener:
        certificate = acm.Certificate(
            self,
            "OriginCertificate",
            domain_name=origin,
            validation=acm.CertificateValidation.from_dns(zone),
        )
        return self.balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[certificate],
            ssl_policy=elb.SslPolicy.TLS13_13,
            default_action=elb.ListenerAction.fixed_response(403),
        )

    def _target(
        self,
        listener: elb.ApplicationListener,
        network: Network,
        services: Services,
        process: Process,
        paths: list[str],
        *,
        priority: int,
    ) -> None:
        assert process.port is not None
        service = services.services[process.name]
        listener.add_targets(
            process.name.title(),
            port=process.port,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[
                service.load_balancer_target(
                    container_name=process.name, container_port=process.port
                )
            ],
            deregistration_delay=Duration.seconds(process.grace),
            health_check=elb.HealthCheck(
                path=_READY[process.name],
                interval=Duration.seconds(10),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
            priority=priority,
            conditions=[
                elb.ListenerCondition.path_patterns(paths),
                elb.ListenerCondition.http_header(
                    SECRET_HEADER, [self._secret.secret_value.unsafe_unwrap()]
                ),
            ],
        )
        network.tasks.connections.allow_from(
            self.balancer, ec2.Port.tcp(process.port), "The load balancer asks"
        )

    def _distribution(
        self, installation: Installation, origin: str, edge: Edge
    ) -> cloudfront.Distribution:
        way = origins.HttpOrigin(
            origin,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            custom_headers={SECRET_HEADER: self._secret.secret_value.unsafe_unwrap()},
            read_timeout=Duration.seconds(60),
            keepalive_timeout=Duration.seconds(60),
        )
        answers = cloudfront.BehaviorOptions(
            origin=way,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            # Answers belong to one user each; the API's own cache knows which do not.
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
            compress=False,
        )
        files = cloudfront.BehaviorOptions(
            origin=way,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            # Their names hold their digest.
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
        )
        return cloudfront.Distribution(
            self,
            "Distribution",
            default_behavior=answers,
            additional_behaviors={"/static/*": files},
            domain_names=[installation.host],
            certificate=edge.certificate,
            web_acl_id=edge.firewall.attr_arn,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            log_bucket=self._logs,
            log_file_prefix="edge/",
            enable_logging=True,
        )

    def _alias(
        self, name: str, zone: route53.IHostedZone, host: str, target: route53.IAliasRecordTarget
    ) -> None:
        for kind in (route53.ARecord, route53.AaaaRecord):
            kind(
                self,
                f"{name}{kind.__name__}",
                zone=zone,
                record_name=f"{host}.",
                target=route53.RecordTarget.from_alias(target),
            )
