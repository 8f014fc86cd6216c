"""What differs between installations on AWS."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Size:
    """Tasks of a process: Fargate's CPU units (1024 are one vCPU) and MiB of each, the least and the most of them."""

    cpu: int
    memory: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Installation:
    """One whole system.

    Attributes:
        name: its stacks, secrets and alarms begin with it.
        account, region: of AWS. Certificate and firewall of the edge lie in us-east-1 whatever the region is, as
            CloudFront demands.
        host: the public name, in the zone `zone` of Route 53, whose id is `zone_id`.
        images: repository of the images in a registry that ECS can read, and their tag, best a release's.
        cloudfront_prefix_list: id of the managed prefix list `com.amazonaws.global.cloudfront.origin-facing` in the
            region (`aws ec2 describe-managed-prefix-lists`).
        operator_email: who hears of alarms and of a budget that is used up.
        budget: US dollars a month, of which four fifths already warn.
        database, cache: instance classes of RDS and ElastiCache.
        storage: GiB that the database begins with; it grows to ten times that by itself.
        replica: whether a second database serves reads that allow its lag.
        is_kept: whether data outlives the stack, and nobody deletes it by mistake.
        sizes: tasks of each process.
    """

    name: str
    account: str
    region: str
    host: str
    zone: str
    zone_id: str
    images: str
    tag: str
    cloudfront_prefix_list: str
    operator_email: str
    budget: int
    database: str
    cache: str
    storage: int
    replica: bool
    is_kept: bool
    sizes: dict[str, Size] = field(default_factory=dict)


PRODUCTION = Installation(
    name="coinsphere-production",
    account="111111111111",
    region="eu-central-1",
    host="coinsphere.example.com",
    zone="example.com",
    zone_id="Z0000000PRODUCTION",
    images="111111111111.dkr.ecr.eu-central-1.amazonaws.com/coinsphere",
    tag="0.1.0",
    cloudfront_prefix_list="pl-00000000000000000",
    operator_email="operators@example.com",
    budget=2500,
    database="r7g.large",
    cache="cache.r7g.large",
    storage=200,
    replica=True,
    is_kept=True,
    sizes={
        "api": Size(1024, 2048, 3, 24),
        "stream": Size(512, 1024, 2, 12),
        "feed": Size(512, 1024, 1, 1),
        "worker": Size(512, 2048, 2, 8),
        "ml": Size(1024, 4096, 2, 8),
        "mlflow": Size(512, 2048, 1, 1),
        "dagster": Size(4096, 16384, 1, 1),
    },
)

STAGING = Installation(
    name="coinsphere-staging",
    account="222222222222",
    region="eu-central-1",
    host="staging.coinsphere.example.com",
    zone="example.com",
    zone_id="Z00000000000STAGING",
    images="111111111111.dkr.ecr.eu-central-1.amazonaws.com/coinsphere",
    tag="0.1.0",
    cloudfront_prefix_list="pl-00000000000000000",
    operator_email="operators@example.com",
    budget=500,
    database="t4g.medium",
    cache="cache.t4g.small",
    storage=50,
    replica=False,
    is_kept=False,
    sizes={
        "api": Size(512, 1024, 2, 4),
        "stream": Size(256, 512, 2, 2),
        "feed": Size(512, 1024, 1, 1),
        "worker": Size(512, 1024, 1, 2),
        "ml": Size(512, 2048, 1, 2),
        "mlflow": Size(512, 2048, 1, 1),
        "dagster": Size(2048, 8192, 1, 1),
    },
)

INSTALLATIONS = (STAGING, PRODUCTION)
