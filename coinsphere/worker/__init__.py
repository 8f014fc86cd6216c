"""The process that runs background jobs: `python -m coinsphere.worker`."""
