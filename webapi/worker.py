"""gunicorn's threaded worker, which ends as soon as its requests are answered and cuts slow clients off.

gunicorn 26.2 waits for idle keep-alive connections until the grace period is over: while it stops it looks for expired
ones only after an event, and an idle connection causes none. A proxy that keeps connections open so made each stop
take 20 s.
"""

from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from webapi.deadlines import deadlines

_LOOK_SECONDS = 0.5


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker that closes idle connections when it is told to stop, and slow ones always."""

    def handle(self, conn: Any) -> Any:
        """Answer a request, within the time that `webapi.deadlines` gives."""
        connection = conn.sock
        deadlines.begin(connection)
        try:
            return super().handle(conn)
        finally:
            deadlines.end(connection)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, while stopping no longer than half a second at a time."""
        super().wait_for_and_dispatch_events(timeout if self.alive else min(timeout, _LOOK_SECONDS))
        deadlines.cut_overdue()

    def murder_keepalived(self) -> None:
        """Close connections that have been idle for too long; while stopping, all that are idle."""
        if not self.alive:
            for connection in self.keepalived_conns:
                connection.timeout = 0.0
        super().murder_keepalived()
