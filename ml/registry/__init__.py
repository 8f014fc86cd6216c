"""Versions of models in MLflow: their files, aliases, training runs and model cards."""
