"""GraphQL beside REST: the same queries, use cases and limits, in one request."""

import os

# Else the library puts handlers of its own in the place of the process's (and Sentry's) when it is imported.
os.environ["STRAWBERRY_DISABLE_RICH_ERRORS"] = "1"
