"""What the capacity model takes for granted: how people behave, and what a cloud asks. Change them here, then `make capacity`."""

from dataclasses import dataclass, field

SIZES = (10_000, 100_000, 1_000_000)
"""Users of the installations that the page describes."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Of an average registered user, and of the busiest hour."""

    requests_a_day: float = 20
    peak_factor: float = 6
    """The busiest minute above the average one."""
    logins_a_day: float = 0.1
    changes_a_day: float = 0.3
    """Transactions that are written, each booked and valued at once."""
    alerts: int = 10
    transactions: int = 100
    days: int = 365
    """Days of values that are kept."""
    connected: float = 0.01
    """Share of the users that have the stream open in the busiest minute."""
    messages_a_second: float = 2
    """Ten tokens that are followed, each of which moves every five seconds."""
    active: float = 0.2
    """Share of the users whose rows a day touches, and that memory should hold."""
    mix: dict[str, float] = field(
        default_factory=lambda: {
            "/auth/me": 0.15,
            "/tokens": 0.20,
            "/tokens/{symbol}": 0.10,
            "/predictions/{symbol}": 0.10,
            "/portfolios": 0.10,
            "/portfolios/{id}": 0.15,
            "/transactions": 0.05,
            "/portfolios/{id}/performance": 0.10,
            "/alerts": 0.05,
        }
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """How full things are planned to be."""

    busy: float = 0.6
    """Of each core."""
    night_hours: float = 6
    """In which all portfolios must be valued."""
    least_memory_gb: float = 4


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars on demand in eu-central-1, as the authors know them: nobody asked AWS. Put yours here."""

    vcpu_hour: float = 0.04656
    gb_hour: float = 0.00511
    database_core_hour: float = 0.287
    """A core and 8 GB of RDS for PostgreSQL in two zones; a replica in one costs half."""
    database_gb_month: float = 0.274
    cache_node_hour: float = 0.21
    backup_gb_month: float = 0.095
    sent_gb: float = 0.085
    fixed_month: float = 260
    """Load balancer, three NAT gateways, firewall, keys, secrets, alarms, log."""
    hours: float = 730
