"""`gateway ledger …`: the books of this installation, read beside a running gateway.

Decides arguments and output; what is asked of the books is booking's. Exit codes
as in `cli.py`: 0 sound, 1 looked at and not sound.
Reads only. See docs/operations.md.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.config import Settings
from gateway.ids import AccountId

ledger_cli = typer.Typer(no_args_is_help=True, help="Look at the books.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DataDir = Annotated[Path | None, typer.Option(help="Where database and keys lie.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC.")]


class Format(StrEnum):
    """How a statement is written."""

    JSON = "json"
    CSV = "csv"


@ledger_cli.command("audit")
def audit(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Check every invariant of the books that the database alone can answer; reads only."""
    from gateway.booking.adapters.ledger_audit import audit as look

    with _books(data_dir) as connection:
        findings = look(connection)
    sound = all(finding.ok for finding in findings)
    items = [
        {"name": f.name, "ok": f.ok, "value": f.value, "violations": list(f.violations)} for f in findings
    ]
    lines = [f"{'ok ' if f.ok else 'BAD'}  {f.name:<40}{f.value}" for f in findings]
    lines += [f"     {violation}" for finding in findings for violation in finding.violations]
    _show({"ok": sound, "invariants": items}, as_json=as_json, text="\n".join(lines))
    raise typer.Exit(0 if sound else 1)


@ledger_cli.command("trial-balance")
def trial_balance(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Add up every account by kind; debits must equal credits and every account its transfers."""
    from gateway.booking.adapters.ledger_party_statement import trial_balance as added_up

    with _books(data_dir) as connection:
        made = added_up(connection)
    body = {
        "ok": made.is_zero,
        "currency": made.currency,
        "posted_micros": made.posted_micros,
        "pending_micros": made.pending_micros,
        "lines": [asdict(line) for line in made.lines],
    }
    lines = [f"{'account':<22}{'debits':>22}{'credits':>22}{'pending':>22}"]
    lines += [
        f"{line.chart:<22}{line.debits_posted:>22}{line.credits_posted:>22}"
        f"{line.debits_pending - line.credits_pending:>22}"
        for line in made.lines
    ]
    lines.append(f"{'difference':<22}{made.posted_micros:>22}{'':>22}{made.pending_micros:>22}")
    _show(body, as_json=as_json, text="\n".join(lines))
    raise typer.Exit(0 if made.is_zero else 1)


@ledger_cli.command("statement")
def statement(
    *,
    party: Annotated[str, typer.Option(help="client, provider or platform.")],
    begin: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC.")
    ],
    until: Day,
    account: Annotated[str | None, typer.Option(help="Whose; not for the platform.")] = None,
    form: Annotated[Format, typer.Option("--format")] = Format.JSON,
    data_dir: DataDir = None,
) -> None:
    """Everything that moved on a party's accounts in a period."""
    from gateway.booking.adapters import ledger_party_statement as statements
    from gateway.booking.ledger.account_statement import Party, Period

    if party not in list(Party) or (account is None) != (party == Party.PLATFORM):
        raise typer.BadParameter("client and provider with --account, or platform", param_hint="--party")
    period = Period(from_wall_ns=_wall_ns(begin), until_wall_ns=_wall_ns(until))
    owner = AccountId(account) if account else None
    with _books(data_dir) as connection:
        made = statements.statement(connection, Party(party), owner=owner, period=period)
    if form is Format.CSV:
        sys.stdout.write(statements.as_csv(made))
    else:
        body = {**asdict(made), "totals": dict(made.totals), "ok": made.is_exact}
        _show(body, as_json=True, text="")
    raise typer.Exit(0 if made.is_exact else 1)


@contextmanager
def _books(data_dir: Path | None) -> Iterator[sqlite3.Connection]:
    from gateway.app import DATABASE
    from gateway.store.connection import open_reader

    path = (data_dir or Settings.data_dir_of(os.environ)) / DATABASE
    connection = open_reader(path)
    try:
        yield connection
    except sqlite3.Error as error:
        raise typer.BadParameter(f"{path} holds no books: {error}", param_hint="--data-dir") from error
    finally:
        connection.close()


def _wall_ns(instant: datetime) -> int:
    return int(instant.replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _show(body: dict[str, Any], *, text: str, as_json: bool) -> None:
    sys.stdout.write((json.dumps(body, ensure_ascii=False) if as_json else text) + "\n")
