"""What bounds every request and what every answer bears. Imports nothing of ours: gunicorn's master loads it too."""

BODY_LIMIT = 1024 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer; a route may set its own Cache-Control and Content-Security-Policy."""
REQUEST_ID = "X-Request-ID"
