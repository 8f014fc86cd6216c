"""Guards the servers beside the API: Dagster's UI, MLflow, the model server.

`rules` decides by the request alone, `passes` by what its sender holds; `asgi` and `wsgi` put both before a server.
"""
