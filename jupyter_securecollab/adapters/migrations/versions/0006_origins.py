"""Which account of an identity provider outside a person is."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "origin",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("made", sa.String(), nullable=False),
    )
