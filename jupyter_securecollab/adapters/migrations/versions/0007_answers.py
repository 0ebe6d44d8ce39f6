"""What became of requests that clients may send twice."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("entry", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("once", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("said", sa.String(), nullable=False),
    )
    op.create_index("answer_person_once", "answer", ["person", "once"])
