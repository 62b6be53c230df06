"""`python -m loadtest`: proof under load, one subcommand each.

Decides how results are shown: progress on standard error, then one JSON object
with `--json` or a line per number without. Exit status 0 only where `ok`.
Never runs anything itself; each subcommand has its module.
"""

import json
from typing import Annotated

import typer
import uvloop

from loadtest import calls as calls_run

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.callback()
def main() -> None:
    """Proof under load, against a gateway started for it on loopback."""


@app.command()
def calls(
    calls: Annotated[int, typer.Option(min=1, max=calls_run.CALLS_MAX, help="Calls at the same time.")] = 50,
    seconds: Annotated[
        int, typer.Option(min=1, max=calls_run.SECONDS_MAX, help="Length of the counted span.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Many calls at once: packets, ticks, bills and the ledger."""
    _show(uvloop.run(calls_run.run(calls, seconds)), as_json=as_json)


def _show(result: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")
    raise typer.Exit(0 if result["ok"] else 1)


if __name__ == "__main__":
    app()
