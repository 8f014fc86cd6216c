"""A worker's settings are gunicorn's, looked up once."""

from gunicorn.config import Config

from webapi.server.fixed_settings import FixedSettings


def test_each_setting_says_what_gunicorn_says() -> None:
    config = Config()
    config.set("keepalive", 7)
    config.set("worker_class", "webapi.server.worker.Worker")
    config.set("certfile", "a.pem")
    fixed = FixedSettings(config)
    names = [*config.settings, "is_ssl", "worker_class", "address", "uid", "env"]
    # A few of the names are of two things; gunicorn's property is what its workers read.
    told = {name: getattr(fixed, name) for name in names}
    assert told == {name: getattr(config, name) for name in names}
    assert told["keepalive"] == 7
    assert fixed.forwarded_allow_networks() == config.forwarded_allow_networks()
