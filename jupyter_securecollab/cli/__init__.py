"""`jupyter securecollab ...`: accounts, groups, the log and housekeeping, for whoever runs the vault.

Works on the vault's own files as the operating system's user, through the same door as everybody: that user needs the
role for what he does. `audit verify` on a bundle and `audit prove --check` need no vault at all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import LogBroken, SecureCollabError
from ..server.vault import vault_folder
from . import accounts, audit, servers, serving, upkeep


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 1 with one clear line when it did not."""
    arguments = _parser().parse_args((sys.argv[1:] if argv is None else argv) or ["--help"])
    try:
        arguments.run(arguments)
    except SecureCollabError as error:
        print(f"{error}." if not str(error).endswith(".") else str(error), file=sys.stderr)
        if isinstance(error, LogBroken) and error.index is not None:
            print(f"First bad entry: {error.index}.", file=sys.stderr)
        if error.next_step:
            print(error.next_step, file=sys.stderr)
        return 1
    except (OSError, EOFError) as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jupyter securecollab", description="Accounts, groups and the log of an embedded vault."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--folder", default=str(vault_folder()), help="the vault's folder")
    commands = parser.add_subparsers(required=True, metavar="command")
    for sort in (accounts, audit, servers, serving, upkeep):
        sort.add_to(commands)
    return parser
