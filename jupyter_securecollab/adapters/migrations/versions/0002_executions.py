"""Records of executions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "execution",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("entry", WHOLE, nullable=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("who", sa.String()),
        sa.Column("notebook", sa.String()),
        sa.Column("body", sa.String(), nullable=False),
    )
    op.create_index("execution_run", "execution", ["run"])
    op.create_index("execution_who", "execution", ["who"])
    op.create_index("execution_notebook", "execution", ["notebook"])
    op.create_index("entry_told", "entry", ["index"], sqlite_where=sa.text("act != 'executions'"))
