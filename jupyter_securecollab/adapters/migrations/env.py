"""Runs migrations on the connection that `SqlStore` opened; there is no other way to run them."""

from alembic import context

from jupyter_securecollab.adapters.sql import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
