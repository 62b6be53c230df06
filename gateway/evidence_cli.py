"""`gateway evidence …`: what a dispute needs, from the store of this installation.

Decides arguments and output; gathering is `bridge/dossier.py`, checking is
metering's. Exit codes as in `cli.py`: 0 sound, 1 looked at and not sound.
Reads only; it works beside a running gateway. See docs/operations.md.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.config import Settings
from gateway.ids import SessionId

evidence_cli = typer.Typer(no_args_is_help=True, help="Evidence of sessions, for disputes and archives.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PublicKey = Annotated[str | None, typer.Option(help="The issuer's key, 64 hexadecimal digits.")]


@evidence_cli.command("export")
def export(
    session: Annotated[str, typer.Argument(help="Session id, `ses_…`.")],
    to: Annotated[Path, typer.Option(help="Folder that the files are written to; it is made.")],
    data_dir: Annotated[Path | None, typer.Option(help="Where database and keys lie.")] = None,
    as_json: Json = False,
) -> None:
    """Write receipt, evidence, seals and the record of one session into a folder."""
    from gateway.app import DATABASE
    from gateway.bridge import dossier
    from gateway.store.connection import open_reader

    connection = open_reader((data_dir or Settings.data_dir_of(os.environ)) / DATABASE)
    try:
        files = dossier.export(connection, SessionId(session), to)
    finally:
        connection.close()
    _show(
        {"session": session, "files": [str(file) for file in files]},
        text="\n".join(str(file) for file in files),
        as_json=as_json,
    )


@evidence_cli.command("verify-archive")
def verify_archive(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="evidence-….xz")],
    public_key: PublicKey = None,
    as_json: Json = False,
) -> None:
    """Check an archive file against the signatures of its own seals."""
    from gateway.metering.adapters.evidence_archive import problems_of_archive, read_archive
    from gateway.metering.adapters.receipt_key import is_signed

    batches = read_archive(file)
    problems = problems_of_archive(batches, check_signature=is_signed, expected_key=key_of(public_key))
    rows = sum(len(batch.rows) for batch in batches)
    _show(
        {"ok": not problems, "seals": len(batches), "rows": rows, "problems": problems},
        text="\n".join(f"BAD  {problem}" for problem in problems)
        or f"ok   {rows} rows under {len(batches)} seals",
        as_json=as_json,
    )
    raise typer.Exit(1 if problems else 0)


def key_of(public_key: str | None) -> bytes | None:
    """The bytes of a key given in hexadecimal digits."""
    try:
        return bytes.fromhex(public_key) if public_key else None
    except ValueError as error:
        raise typer.BadParameter("must be hexadecimal digits", param_hint="--public-key") from error


def _show(body: dict[str, Any], *, text: str, as_json: bool) -> None:
    sys.stdout.write((json.dumps(body, ensure_ascii=False) if as_json else text) + "\n")
