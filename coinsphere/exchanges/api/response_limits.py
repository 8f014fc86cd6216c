"""Reads responses of exchanges with limits on size and time: none holds a worker or fills its memory."""

import socket
import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as ReadTimeout

from coinsphere.errors import BadPayload

LARGEST = 20 * 1024 * 1024
"""Bytes of an answer, unpacked; the longest list of markets has a few."""
_PART = 8 * 1024
"""Bytes read at once, still packed: they may be a thousand times as many unpacked."""


class BoundedSession(requests.Session):
    """A session that aborts a response that is too large, or takes too long as a whole.

    Args:
        venue: named in errors.
        seconds: from the request to the answer's last byte.
    """

    def __init__(self, venue: str, seconds: float) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0
        self._venue, self._seconds = venue, seconds
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter(seconds))

    def request(self, *arguments: Any, **keywords: Any) -> requests.Response:
        """As the parent's, but the whole response is read, within the limits.

        Raises:
            BadPayload: it is too large.
            requests.Timeout, requests.ConnectionError: it did not come in time, or not as a whole.
        """
        until = time.monotonic() + self._seconds
        response = super().request(*arguments, **{**keywords, "stream": True})
        try:
            response._content = self._read(response, until)  # noqa: SLF001  what reading would set
        except BaseException:
            response.close()
            raise
        response._content_consumed = True  # noqa: SLF001  the same
        return response

    def _read(self, response: requests.Response, until: float) -> bytes:
        content = bytearray()
        try:
            while part := response.raw.read1(_PART, decode_content=True):
                content += part
                if len(content) > LARGEST:
                    raise BadPayload(self._venue, "the answer is too large")
                if time.monotonic() > until:
                    raise requests.Timeout("the answer does not end")
        except ReadTimeout as error:
            raise requests.Timeout(str(error)) from error
        except HTTPError as error:
            raise requests.ConnectionError(str(error)) from error
        return bytes(content)


class _Adapter(HTTPAdapter):
    """Connections whose headers come in time as a whole."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
        super().init_poolmanager(*arguments, **keywords)
        pools = (
            ("http", HTTPConnectionPool, HTTPConnection),
            ("https", HTTPSConnectionPool, HTTPSConnection),
        )
        self.poolmanager.pool_classes_by_scheme = {
            scheme: _pool(pool, connection, self._seconds) for scheme, pool, connection in pools
        }


def _pool(pool: type, connection: type, seconds: float) -> type:
    """A class of pools of connections that are cut where the headers take too long."""

    class Cut(connection):  # type: ignore[misc]
        def getresponse(self) -> Any:
            is_late = threading.Event()
            timer = threading.Timer(seconds, _shut, [self.sock, is_late])
            timer.daemon = True
            timer.start()
            try:
                return super().getresponse()
            finally:
                timer.cancel()
                if is_late.is_set():
                    # What was read until then may look like a whole.
                    raise TimeoutError("timed out")

    return type(f"Cut{pool.__name__}", (pool,), {"ConnectionCls": Cut})


def _shut(connected: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
