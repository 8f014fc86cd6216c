"""Examples of answers about exchanges, for the reference."""

from typing import Any

_CONNECTION = "0b2d8f0e-6f0e-4a52-9d2c-0b7c0e6b5a11"
_JOB = "5d3b1b5e-7a44-4b9e-8f0c-3a1d2c4e5f60"

VENUES: dict[str, Any] = {
    "exchanges": [{"id": "kraken", "name": "Kraken", "requiresPassphrase": False}]
}
PERMISSIONS: dict[str, Any] = {
    "verdict": "read_only",
    "canRead": True,
    "canTrade": False,
    "canWithdraw": False,
    "isVerified": True,
    "granted": ["query-funds", "query-ledger"],
}
TESTED: dict[str, Any] = {
    "success": True,
    "message": "The key works and can only read.",
    "permissions": PERMISSIONS,
}
CONNECTED: dict[str, Any] = {**TESTED, "connectionId": _CONNECTION, "jobId": _JOB}
SYNC: dict[str, Any] = {
    "jobId": _JOB,
    "status": "succeeded",
    "stream": None,
    "imported": 190,
    "known": 0,
    "unbooked": 0,
    "error": None,
    "createdAt": "2026-11-24T08:00:00Z",
    "startedAt": "2026-11-24T08:00:01Z",
    "finishedAt": "2026-11-24T08:00:09Z",
}
ONE: dict[str, Any] = {
    "connection": {
        "id": _CONNECTION,
        "exchange": "kraken",
        "name": "Kraken",
        "label": "savings",
        "portfolioId": None,
        "status": "active",
        "permissions": PERMISSIONS,
        "keyHint": "…5678",
        "allowTrading": False,
        "markets": [],
        "syncMinutes": 60,
        "lastSyncedAt": "2026-11-24T08:00:09Z",
        "nextSyncAt": "2026-11-24T09:00:09Z",
        "lastError": None,
        "createdAt": "2026-11-24T08:00:00Z",
        "lastSync": SYNC,
        "unbooked": 1,
    }
}
ALL: dict[str, Any] = {"connections": [ONE["connection"]]}
UNBOOKED: dict[str, Any] = {
    "unbooked": [
        {
            "name": "LQ3T5B-2XXLB-HXVC6E",
            "reason": "it has no time that can be read",
            "stream": "ledger",
            "isRead": False,
            "row": '{"refid": "R1", "type": "deposit", "asset": "XXBT", "amount": "0.5"}',
            "occurredAt": None,
            "foundAt": "2026-11-24T08:00:02Z",
            "triedAt": "2026-11-24T08:00:02Z",
        }
    ]
}
DONE: dict[str, Any] = {"success": True, "message": "Disconnected; the key is forgotten."}
STARTED: dict[str, Any] = {
    "success": True,
    "message": "Sync initiated",
    "connectionId": _CONNECTION,
    "jobId": _JOB,
}
ALL_STARTED: dict[str, Any] = {
    "success": True,
    "message": "Sync initiated",
    "jobs": [{"connectionId": _CONNECTION, "jobId": _JOB}],
}
