"""Settings of models: what is trained, and how long a forecast is served."""

from pydantic import Field

from coinsphere.settings.base import Base


class Models(Base):
    """What is trained, and which forecasts are still served."""

    ml_tokens: tuple[str, ...] = Field(
        ("BTC", "ETH", "SOL"),
        description="Tokens that models are trained for by default (comma-separated).",
    )
    ml_training_days: int = Field(
        1095, ge=200, le=10_000, description="Days of history that a model is trained on."
    )
    ml_epochs: int = Field(
        50, ge=1, le=1000, description="Most epochs of a training; early stopping may end it."
    )
    ml_refresh_seconds: int = Field(
        15, ge=1, description="How often the model server looks for a new champion."
    )
    ml_expiry_days: int = Field(
        90, ge=1, description="Age of a model's data cut-off past which its answers are stale."
    )
    ml_baseline_days: int = Field(
        180,
        ge=1,
        description="Age of the global champion's data cut-off past which the baseline serves in its place.",
    )
    ml_processes: int = Field(
        2, ge=1, description="Processes that a walk-forward of the global model spreads over."
    )
