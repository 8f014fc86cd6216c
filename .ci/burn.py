"""Watch the error budget of what was just deployed: ends with 1 as soon as it burns too fast, or is not seen at all.

    python .ci/burn.py http://prometheus:9090 --pods 'cs-api-canary-.*' --minutes 30

Both of the alert `RequestsFailFast`'s measures: 14.4 times the budget of 99.9 percent, over the minutes that have passed and
over the last two. Pods that nobody asks burn nothing and prove nothing: without a request for the whole time it fails, too.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BUDGET = 0.001
FASTEST = 14.4
_REQUESTS = 'sum(increase(coinsphere_http_requests_total{{pod=~"{pods}"{more}}}[{minutes}m]))'


def burns(server: str, pods: str, minutes: int) -> tuple[float, float]:
    """Requests of the last minutes, and the share of them that failed by a fault of ours."""
    total = _value(server, _REQUESTS.format(pods=pods, more="", minutes=minutes))
    failed = _value(server, _REQUESTS.format(pods=pods, more=',status=~"5.."', minutes=minutes))
    return total, failed / total if total else 0.0


def watch(server: str, pods: str, minutes: int, pause: float = 60) -> str | None:
    """Why it must be taken back; None where all went well for so many minutes."""
    total = 0.0
    for passed in range(1, minutes + 1):
        time.sleep(pause)
        total, failed = burns(server, pods, max(passed, 2))
        _, lately = burns(server, pods, 2)
        print(
            f"minute {passed}: {total:.0f} requests, {failed:.3%} failed, {lately:.3%} of late",
            flush=True,
        )
        if min(failed, lately) > FASTEST * BUDGET:
            return f"{failed:.2%} of the requests fail"
    return None if total else "nobody asked it anything"


def _value(server: str, query: str) -> float:
    address = f"{server}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - the operator's own server
        found = json.load(answer)["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def main() -> int:
    """The process's exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server")
    parser.add_argument("--pods", required=True)
    parser.add_argument("--minutes", type=int, default=30)
    given = parser.parse_args()
    try:
        why = watch(given.server.rstrip("/"), given.pods, given.minutes)
    except (urllib.error.URLError, TimeoutError, ValueError, KeyError) as error:
        why = f"Prometheus does not say: {error}"
    if why:
        print(f"Take it back: {why}", file=sys.stderr)
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
