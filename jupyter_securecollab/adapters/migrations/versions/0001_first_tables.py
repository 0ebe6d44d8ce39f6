"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "asset",
        sa.Column("id", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("newest", WHOLE, nullable=False),
        sa.Column("changed", WHOLE, nullable=False),
    )
    op.create_index("asset_name", "asset", ["name"], unique=True)
    op.create_index("asset_owner", "asset", ["owner"])
    op.create_table(
        "checkpoint",
        sa.Column("size", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("note", sa.String(), nullable=False),
    )
    op.create_table(
        "data_key",
        sa.Column("owner", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("purpose", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
    )
    op.create_index("data_key_project_number", "data_key", ["project", "number"])
    op.create_table(
        "entry",
        sa.Column("index", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("asset", sa.String()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("entry_actor", "entry", ["actor"])
    op.create_index("entry_asset", "entry", ["asset"])
    op.create_table(
        "grant",
        sa.Column("id", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("grantee", sa.String(), nullable=False),
        sa.Column("can", sa.String(), nullable=False),
        sa.Column("up_to", sa.String(), nullable=False),
        sa.Column("start", WHOLE),
        sa.Column("until", WHOLE),
        sa.Column("purposes", sa.String(), nullable=False),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
    )
    op.create_index("grant_asset_grantee", "grant", ["asset", "grantee"])
    op.create_index("grant_grantee", "grant", ["grantee"])
    op.create_table(
        "level_manifest",
        sa.Column("version", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("level", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "membership",
        sa.Column("group", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("person", sa.String(), primary_key=True, autoincrement=False),
    )
    op.create_index("membership_person", "membership", ["person"])
    op.create_table(
        "part",
        sa.Column("version", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("level", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("partition", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("size", WHOLE, nullable=False),
    )
    op.create_index("part_object", "part", ["object"])
    op.create_table(
        "person",
        sa.Column("name", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("clearance", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("epoch", WHOLE, nullable=False),
        sa.Column("acts_for", sa.String()),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("token_sha256", sa.String(), nullable=False),
    )
    op.create_index("person_token_sha256", "person", ["token_sha256"])
    op.create_table(
        "project_key",
        sa.Column("project", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("number", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "tile",
        sa.Column("level", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("index", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "version",
        sa.Column("id", sa.String(), primary_key=True, autoincrement=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("begun", WHOLE, nullable=False),
        sa.Column("levels", sa.String(), nullable=False),
        sa.Column("committed", WHOLE),
        sa.Column("entry", WHOLE),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("access", sa.String(), nullable=False),
    )
    op.create_index("version_asset_number", "version", ["asset", "number"])
    op.create_index("version_state", "version", ["state"])
