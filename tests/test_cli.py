"""The command line, as an operator types it."""

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway import app
from gateway.booking.people.seed import DEMO_PEOPLE
from gateway.cli import cli
from gateway.metering import receipt as receipts
from gateway.sdk.http import HttpClient
from gateway.sdk.problem import ProblemAnswer
from tests.metering.test_receipt import PUBLIC, called, issued

pytestmark = pytest.mark.adapter


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


async def process(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    """A real process: exit code, standard output, standard error."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.cli",
        *arguments,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    return child.returncode or 0, out.decode(), err.decode()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    body, evidence = issued(called())
    receipt = tmp_path / "receipt-1.json"
    receipt.write_bytes(receipts.canonical(body))
    bundle = tmp_path / "evidence-1.json"
    bundle.write_bytes(evidence)
    return receipt, bundle


def test_a_receipt_is_verified_with_the_evidence_that_lies_beside_it(files: tuple[Path, Path]) -> None:
    result = ran("receipt", "verify", str(files[0]), "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "ok": True,
        "evidence_checked": True,
        "seals_checked": False,
        "unsealed_bytes": None,
        "problems": [],
    }
    assert ran("receipt", "verify", str(files[0]), "--public-key", PUBLIC.hex()).exit_code == 0
    assert ran("receipt", "verify", str(files[0]), "--public-key", "00" * 32).exit_code == 1
    assert ran("receipt", "verify", str(files[0]), "--public-key", "zz").exit_code == 2


def test_a_changed_byte_makes_it_fail(files: tuple[Path, Path]) -> None:
    receipt, evidence = files
    whole = receipt.read_bytes()
    for at in (1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        receipt.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert ran("receipt", "verify", str(receipt)).exit_code == 1, at
    receipt.write_bytes(whole)
    bundle = evidence.read_bytes()
    evidence.write_bytes(bundle.replace(b'"5302', b'"5303', 1))
    assert ran("receipt", "verify", str(receipt)).exit_code == 1


def test_without_evidence_it_says_what_was_not_checked(files: tuple[Path, Path]) -> None:
    files[1].unlink()

    result = ran("receipt", "verify", str(files[0]))

    assert result.exit_code == 0
    assert "no evidence bundle" in result.stdout


def test_the_doctor_finds_free_ports_and_names_a_taken_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["doctor", "--demo", "--data-dir", str(tmp_path), "--media-port", "0", "--json"]
        healthy = ran(*arguments, "--http-port", "0")
        ill = ran(*arguments, "--http-port", str(port))

    assert healthy.exit_code == 0
    names = [check["name"] for check in json.loads(healthy.stdout)["checks"]]
    assert names == [
        "settings",
        "http_port",
        "media_port",
        "ice_tcp",
        "addresses",
        "udp_buffer",
        "clock",
        "keys",
        "store",
        "relay",
        "pages",
        "turn",
        "redis",
    ]
    assert ill.exit_code == 1
    (bad,) = [check for check in json.loads(ill.stdout)["checks"] if not check["ok"]]
    assert bad["name"] == "http_port"
    assert "running already" in bad["detail"]


def test_the_doctor_sees_keys_that_others_could_read_and_a_damaged_store(tmp_path: Path) -> None:
    asyncio.run(opened_once(tmp_path))
    next((tmp_path / "keys").glob("receipt*")).chmod(0o644)
    database = tmp_path / app.DATABASE
    database.write_bytes(b"\0" * 4096 + database.read_bytes()[4096:])

    result = ran(
        "doctor", "--demo", "--data-dir", str(tmp_path), "--http-port", "0", "--media-port", "0", "--json"
    )

    bad = {check["name"] for check in json.loads(result.stdout)["checks"] if not check["ok"]}
    assert bad == {"keys", "store"}
    assert result.exit_code == 1


async def opened_once(directory: Path) -> None:
    gateway = await app.start(app.rehearsal(directory, people=DEMO_PEOPLE))
    await gateway.close()


def test_the_books_are_audited_without_the_gateway(tmp_path: Path) -> None:
    asyncio.run(opened_once(tmp_path))

    result = ran("ledger", "audit", "--data-dir", str(tmp_path), "--json")

    assert result.exit_code == 0
    body = json.loads(result.stdout)
    assert body["ok"]
    assert "balances_equal_replay" in {item["name"] for item in body["invariants"]}


async def test_live_sessions_are_listed_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    gateway = await app.start(app.rehearsal(tmp_path, people=DEMO_PEOPLE))
    where = ("--url", gateway.http_url, "--data-dir", str(tmp_path))
    try:
        listed = await process("sessions", "ls", *where, "--json", cwd=tmp_path)
        refused = await process("sessions", "end", "ses_x", "--reason", "a test", *where, cwd=tmp_path)
    finally:
        await gateway.close()

    assert (listed[0], json.loads(listed[1])) == (0, {"sessions": []})
    assert refused[0] == 3
    assert "not_found" in refused[2]


async def test_a_failing_world_is_one_sentence_and_exit_code_3(tmp_path: Path) -> None:
    code, out, err = await process("sessions", "ls", "--url", "http://127.0.0.1:1", cwd=tmp_path)
    assert (code, out) == (3, "")
    assert err.startswith("gateway: No gateway answers")

    code, _, err = await process("serve", cwd=tmp_path)
    assert code == 3
    assert "tls_certificate" in err


def test_a_minted_token_opens_what_its_role_may(tmp_path: Path) -> None:
    result = ran("token", "acc_x", "--role", "operator", "--data-dir", str(tmp_path), "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["access_token"].count(".") == 2


def test_wrong_usage_is_exit_code_2() -> None:
    assert ran("receipt", "verify", "/no/such/file").exit_code == 2
    assert ran("no-such-command").exit_code == 2


async def test_an_integrators_key_mints_a_participant_who_may_call(tmp_path: Path) -> None:
    code, out, _ = await process(
        "integrator", "add", "Acme", "--data-dir", str(tmp_path), "--json", cwd=tmp_path
    )
    assert code == 0
    key = json.loads(out)["api_key"]

    gateway = await app.start(app.rehearsal(tmp_path, people=DEMO_PEOPLE))
    try:
        while_running = await process("integrator", "add", "Acme", "--data-dir", str(tmp_path), cwd=tmp_path)
        async with HttpClient(gateway.http_url) as http:
            minted = await http.mint(key, external_id="u-1", nickname="Ann", roles=["client"])
            again = await http.mint(key, external_id="u-1", nickname="Ann", roles=["client"])
            assert (await http.me())["nickname"] == "Ann"
            assert (await http.wallet())["available"]["micros"] == 0
        with pytest.raises(ProblemAnswer):
            async with HttpClient(gateway.http_url) as http:
                await http.mint("gwk_wrong", external_id="u-1", nickname="Ann", roles=["client"])
    finally:
        await gateway.close()

    assert minted["id"] == again["id"]
    assert while_running[0] == 3
    assert "another process" in while_running[2]
