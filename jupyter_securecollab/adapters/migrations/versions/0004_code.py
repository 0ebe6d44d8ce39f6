"""The text of code, beside the records of its execution."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "execution_code",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("kept", sa.LargeBinary(), nullable=False),
    )
