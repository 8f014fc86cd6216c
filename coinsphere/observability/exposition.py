"""Serves a process's metrics to Prometheus on a port of their own, which no reverse proxy forwards by mistake."""

from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import ThreadingWSGIServer

from coinsphere import log
from coinsphere.guard.wsgi import guarded
from coinsphere.settings import Settings

_log = log.get("observability")


class _Server(ThreadingWSGIServer):
    allow_reuse_port = False


class _SharedServer(ThreadingWSGIServer):
    allow_reuse_port = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Scrapes are not worth a line."""


def serve(
    settings: Settings,
    port: int,
    registry: CollectorRegistry = REGISTRY,
    *,
    is_shared: bool = False,
) -> None:
    """Answer scrapes in a thread, but none from pages of other sites.

    A port that cannot be had costs the figures, never the process: its absence is seen by who scrapes.

    Args:
        settings: name the address, and the hosts that it answers to.
        port: of these figures alone.
        registry: what is told.
        is_shared: several processes listen on the port, and the kernel picks one for each scrape.
    """
    kind = _SharedServer if is_shared else _Server
    app = guarded(make_wsgi_app(registry), settings)
    try:
        server = make_server(settings.bind_host, port, app, kind, handler_class=_Quiet)
    except OSError as error:
        _log.error("figures cannot be scraped", port=port, why=error.strerror)
        return
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    """A metric without labels, as a collector yields it."""
    return GaugeMetricFamily(name, description, value=value)
