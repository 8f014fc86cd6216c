"""The model of all tokens is called what it is: its registered model in MLflow was renamed, and rows that name it follow."""

from alembic import op

revision = "0047"
down_revision = "0046"

_RENAME = """
update model.predictions set model_name = '{new}' where model_name = '{old}';
update model.gate_reports set model_name = '{new}' where model_name = '{old}';
update model.held_out_sets set model_name = '{new}' where model_name = '{old}';
"""
_BEFORE, _NOW = "coinsphere-scale", "all-tokens-forecaster"


def upgrade() -> None:
    op.execute(_RENAME.format(old=_BEFORE, new=_NOW))


def downgrade() -> None:
    op.execute(_RENAME.format(old=_NOW, new=_BEFORE))
