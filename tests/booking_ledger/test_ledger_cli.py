"""`gateway ledger …` on a stopped installation's own file."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.ledger_cli import ledger_cli
from tests.booking_ledger.conftest import ANN, UNIT, Till

pytestmark = pytest.mark.adapter

PERIOD = ("--from", "2026-01-01", "--until", "2027-01-01")


def _ran(till: Till, *arguments: str) -> Result:
    folder = Path(till.database.path).parent
    return CliRunner().invoke(ledger_cli, [*arguments, "--data-dir", str(folder)])


async def test_the_trial_balance_is_zero(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    result = _ran(till, "trial-balance", "--json")
    body = json.loads(result.stdout)
    assert (result.exit_code, body["ok"], body["posted_micros"]) == (0, True, 0)


async def test_a_trial_balance_that_is_not_zero_is_told_by_the_exit_code(till: Till) -> None:
    change = "UPDATE ledger_account SET credits_posted = credits_posted + 7 WHERE id = 'platform_fee'"
    await till.database.write(lambda transaction: transaction.execute(change))
    result = _ran(till, "trial-balance")
    assert result.exit_code == 1
    assert "difference" in result.stdout


async def test_a_statement_as_json_and_as_a_table(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    asked = ("statement", "--party", "client", "--account", ANN, *PERIOD)
    body = json.loads(_ran(till, *asked).stdout)
    assert (body["closing_micros"], body["totals"], body["ok"]) == (100 * UNIT, {"top_up": 100 * UNIT}, True)
    table = list(csv.DictReader(io.StringIO(_ran(till, *asked, "--format", "csv").stdout)))
    assert [row["flow"] for row in table] == ["opening", "top_up", "closing"]


@pytest.mark.parametrize("asked", [("--party", "client"), ("--party", "platform", "--account", ANN)])
async def test_a_statement_of_nobody_is_wrong_usage(till: Till, asked: tuple[str, ...]) -> None:
    assert _ran(till, "statement", *asked, *PERIOD).exit_code == 2


async def test_the_audit_is_sound(till: Till) -> None:
    await till.fund(ANN, 100 * UNIT)
    result = _ran(till, "audit", "--json")
    assert (result.exit_code, json.loads(result.stdout)["ok"]) == (0, True)
