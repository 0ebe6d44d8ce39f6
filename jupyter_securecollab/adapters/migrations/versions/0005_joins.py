"""Pseudonyms that join over a project: who asked, what was answered, where they are used."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "join_request",
        sa.Column("id", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("because", sa.String(), nullable=False),
        sa.Column("asked", WHOLE, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by", sa.String()),
        sa.Column("decided", WHOLE),
    )
    op.create_index("join_request_person", "join_request", ["person"])
    op.create_index("join_request_project", "join_request", ["project"])
    op.create_table(
        "joined",
        sa.Column("project", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("level", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("asset", sa.String(), primary_key=True, autoincrement=False),
    )
