"""Who takes back that the own use may be counted leaves the experiments, too."""

from alembic import op

revision = "0064"
down_revision = "0063"


def upgrade() -> None:
    op.execute("grant delete on app.experiment_assignments to coinsphere_api")


def downgrade() -> None:
    op.execute("revoke delete on app.experiment_assignments from coinsphere_api")
