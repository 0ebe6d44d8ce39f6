"""`serve` and `witness ...`: processes of their own, for a vault and for those who confirm its log."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from ..kept_code import CodeKeeping
from ..runs import KeptAs
from ..server.vault import WitnessedBy
from ..witness import Witness, make_witness, read_signer
from .commands import Commands, command, sorts_of


def add_to(commands: Commands) -> None:
    """Add these commands."""
    _serve_command(
        command(commands, "serve", _serve, "serve a vault from a process of its own, to JupyterHub or by itself")
    )
    _witness_commands(sorts_of(commands, "witness", "confirm logs of vaults"))


def _serve_command(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", help="address to listen on; otherwise the Hub's for this service, or loopback")
    serve.add_argument("--port", type=int, help="likewise")
    serve.add_argument("--allowed-host", action="append", default=[], metavar="NAME", help="a name it is reached under")
    serve.add_argument("--public-url", metavar="URL", help="where browsers find it, at a host name of its own")
    serve.add_argument("--oidc", metavar="FILE", help="without a Hub: whom people sign in with, as YAML")
    serve.add_argument("--vault-name", default="vault", help="name of a new vault and of its log")
    serve.add_argument("--checkpoint-folder", metavar="DIR", help="receives a copy of every checkpoint")
    serve.add_argument(
        "--witness", action="append", nargs=2, default=[], metavar=("KEY", "URL"), help="confirms the log; repeatable"
    )
    serve.add_argument(
        "--witness-quorum", type=int, default=0, metavar="K", help="how many have to confirm; more than half"
    )
    serve.add_argument(
        "--record-code", choices=get_args(KeptAs), default="off", help="whether the text of code is kept, and how"
    )
    serve.add_argument("--auditors-key", default="", metavar="KEY", help="to whom it is sealed: see audit keygen")
    serve.add_argument("--metrics-port", type=int, metavar="PORT", help="serve Prometheus metrics there, on loopback")
    serve.add_argument("--metrics-host", default="127.0.0.1", metavar="HOST", help="or at this address of the machine")


def _witness_commands(witness: Commands) -> None:
    keygen = command(witness, "keygen", _witness_keygen, "make the key of a witness that has seen nothing yet")
    keygen.add_argument("name", help="of the witness, such as witness.example/w1")
    serve = command(witness, "serve", _witness_serve, "confirm what logs show, from a process of its own")
    for one in (keygen, serve):
        one.add_argument("--key", required=True, metavar="FILE", help="its private key")
        one.add_argument("--state", required=True, metavar="FILE", help="what it has confirmed")
    serve.add_argument("--log-key", required=True, action="append", metavar="KEY", help="a log it confirms; repeatable")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; loopback unless given")
    serve.add_argument("--port", type=int, default=8770, help="8770 unless given")


def _serve(arguments: argparse.Namespace) -> None:
    # No other command needs a web server.
    from ..server.service.places import Serving
    from ..server.service.process import serve

    serve(
        Serving(
            folder=Path(arguments.folder),
            checkpoint_folder=None if arguments.checkpoint_folder is None else Path(arguments.checkpoint_folder),
            vault_name=arguments.vault_name,
            host=arguments.host,
            port=arguments.port,
            allowed_hosts=tuple(arguments.allowed_host),
            metrics_port=arguments.metrics_port,
            public_url=arguments.public_url,
            oidc=None if arguments.oidc is None else Path(arguments.oidc),
            witnessed=WitnessedBy(tuple((key, url) for key, url in arguments.witness), arguments.witness_quorum),
            keeping=CodeKeeping(arguments.record_code, arguments.auditors_key),
            metrics_host=arguments.metrics_host,
        )
    )


def _witness_keygen(arguments: argparse.Namespace) -> None:
    key = make_witness(arguments.name, Path(arguments.key), Path(arguments.state))
    print(f"The private key is in {arguments.key}; {arguments.state} remembers what was confirmed: keep both.")
    print(f"Logs and clients need the public one:\n{key}")


def _witness_serve(arguments: argparse.Namespace) -> None:
    # No other command needs a web server.
    from ..server.service.witness_service import serve_witness

    witness = Witness(read_signer(Path(arguments.key)), Path(arguments.state), arguments.log_key)
    serve_witness(witness, arguments.host, arguments.port)
