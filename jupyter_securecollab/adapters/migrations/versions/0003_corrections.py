"""What people said of columns."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("person", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("fingerprint", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("suggested", sa.String(), nullable=False),
        sa.Column("tag", sa.String()),
        sa.Column("at", WHOLE, nullable=False),
    )
