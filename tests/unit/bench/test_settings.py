"""The system that `make bench` starts is given settings that there are."""

from bench.system import PORTS
from coinsphere.settings import Settings


def test_every_port_is_a_setting() -> None:
    assert {f"{name.lower()}_port" for name in PORTS} <= set(Settings.model_fields)
