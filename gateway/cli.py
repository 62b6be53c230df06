"""The command line: `gateway serve | demo | selftest | doctor | token | receipt | ledger | sessions`.

Decides arguments, output and exit codes; the doing is elsewhere. With `--json` a
command prints one object. Exit codes: 0 done and sound, 1 looked at and not
sound, 2 wrong usage, 3 a part that is needed cannot be had.
See docs/operations.md.
"""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import __version__
from gateway.config import PREFIX, Settings, settings_from
from gateway.errors import GatewayError
from gateway.evidence_cli import evidence_cli, key_of
from gateway.ids import AccountId
from gateway.ledger_cli import ledger_cli
from gateway.terms import Role

SOUND, UNSOUND, UNAVAILABLE = 0, 1, 3

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Config = Annotated[Path | None, typer.Option(help=f"TOML file; also {PREFIX}CONFIG.")]
DataDir = Annotated[Path | None, typer.Option(help="Where database and keys lie.")]
HttpPort = Annotated[int | None, typer.Option(help="0 takes a free port.")]
MediaPort = Annotated[int | None, typer.Option(help="UDP; 0 takes a free port.")]
LogFormat = Annotated[str | None, typer.Option(help="console or json.")]

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="A session gateway that meters to the second."
)
receipt_cli = typer.Typer(no_args_is_help=True, help="Look at receipts.")
sessions_cli = typer.Typer(no_args_is_help=True, help="Look at and end live sessions of a running gateway.")
integrator_cli = typer.Typer(no_args_is_help=True, help="Integrators and their keys.")
cli.add_typer(integrator_cli, name="integrator")
cli.add_typer(receipt_cli, name="receipt")
cli.add_typer(ledger_cli, name="ledger")
cli.add_typer(sessions_cli, name="sessions")
cli.add_typer(evidence_cli, name="evidence")


@cli.callback()
def prepare() -> None:
    """Commands answer on standard output; what they log is for failures only."""
    from gateway.admin.adapters.logging import configure_logging

    configure_logging(is_json=False, level="error")


def settings_of(config: Path | None, **flags: Any) -> Settings:
    """Settings from the file, the environment and flags."""
    named = config or (Path(os.environ[f"{PREFIX}CONFIG"]) if f"{PREFIX}CONFIG" in os.environ else None)
    text = named.read_text(encoding="utf-8") if named else ""
    return settings_from(toml=text, environ=os.environ, flags=flags)


def show(body: dict[str, Any], *, as_json: bool, text: str) -> None:
    """One object, or lines for people."""
    sys.stdout.write((json.dumps(body, ensure_ascii=False) if as_json else text) + "\n")


@cli.command()
def serve(
    config: Config = None,
    data_dir: DataDir = None,
    http_port: HttpPort = None,
    media_port: MediaPort = None,
    log_format: LogFormat = None,
) -> None:
    """Run the gateway until SIGINT or SIGTERM."""
    _run(
        settings_of(
            config, data_dir=data_dir, http_port=http_port, media_port=media_port, log_format=log_format
        )
    )


@cli.command()
def demo(
    data_dir: DataDir = None,
    http_port: HttpPort = None,
    media_port: MediaPort = None,
    log_format: LogFormat = None,
) -> None:
    """Run the gateway on loopback with seeded people and money; codes are shown."""
    flags = {"data_dir": data_dir, "http_port": http_port, "media_port": media_port, "log_format": log_format}
    _run(settings_of(None, environment="demo", **flags))


def _run(settings: Settings) -> None:
    import uvloop

    from gateway.admin.adapters.logging import configure_logging
    from gateway.app import Opening
    from gateway.booking.people.seed import DEMO_PEOPLE
    from gateway.demo import serve as run

    configure_logging(is_json=settings.log_format == "json", level=settings.log_level)
    uvloop.run(run(Opening(settings=settings, people=DEMO_PEOPLE if settings.is_demo else ())))


@cli.command()
def selftest(
    seconds: Annotated[int, typer.Option(min=1, max=600, help="How long the two talk.")] = 12,
    directory: Annotated[Path | None, typer.Option(help="Where receipt and evidence are kept.")] = None,
    as_json: Json = False,
) -> None:
    """Make a real call on loopback between two headless legs and check every figure of it."""
    import uvloop

    from gateway import selftest as selftests

    result = uvloop.run(selftests.run(seconds=seconds, directory=directory))
    lines = [f"{name:<16}{value}" for name, value in asdict(result).items() if name != "problems"]
    lines += [f"problem: {problem}" for problem in result.problems]
    show(asdict(result), as_json=as_json, text="\n".join(lines))
    raise typer.Exit(SOUND if result.ok else UNSOUND)


@cli.command()
def doctor(
    config: Config = None,
    data_dir: DataDir = None,
    http_port: HttpPort = None,
    media_port: MediaPort = None,
    is_demo: Annotated[bool, typer.Option("--demo", help="Look at what `gateway demo` would use.")] = False,
    as_json: Json = False,
) -> None:
    """Look at settings, ports, clock, store and keys; changes nothing."""
    from gateway.doctor import examine

    environment = "demo" if is_demo else None
    settings = settings_of(
        config, environment=environment, data_dir=data_dir, http_port=http_port, media_port=media_port
    )
    checks = asyncio.run(examine(settings))
    sound = all(check.ok for check in checks)
    body = {"ok": sound, "version": __version__, "checks": [asdict(check) for check in checks]}
    text = "\n".join(f"{'ok ' if check.ok else 'BAD'}  {check.name:<12}{check.detail}" for check in checks)
    show({**body, "settings": settings.shown()}, as_json=as_json, text=text)
    raise typer.Exit(SOUND if sound else UNSOUND)


@cli.command()
def token(
    account: Annotated[str, typer.Argument(help="Account id, `acc_…`.")],
    role: Annotated[list[Role], typer.Option(help="May be repeated.")],
    ttl_s: Annotated[int, typer.Option(min=1, max=86_400)] = 900,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Mint an access token with this installation's key."""
    made = _minted(AccountId(account), frozenset(role), data_dir=data_dir, ttl_s=ttl_s)
    show({"access_token": made, "expires_in_s": ttl_s}, as_json=as_json, text=made)


@integrator_cli.command("add")
def integrator_add(
    name: Annotated[str, typer.Argument(help="How the integrator is called.")],
    label: Annotated[str, typer.Option(help="What this key is for.")] = "command line",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make an API key for an integrator; run it while the gateway is stopped. The key is shown once."""
    from gateway.app import integrator_key

    # Nothing is served, so TLS does not matter; currency and folder are the installation's own.
    settings = settings_of(config, environment="demo", data_dir=data_dir, http_port=0, media_port=0)
    made = asyncio.run(integrator_key(settings, name, label=label))
    show({"integrator": name, "api_key": made}, as_json=as_json, text=made)


def _minted(account: AccountId, roles: frozenset[Role], *, data_dir: Path | None, ttl_s: int) -> str:
    from gateway.booking.adapters.key_files import KeyRing
    from gateway.booking.adapters.tokens_jwt import JwtTokens
    from gateway.clock import SystemClock

    keys = KeyRing.load_or_create(data_dir or Settings.data_dir_of(os.environ))
    return JwtTokens(keys.token_seeds, SystemClock()).mint(account, roles, ttl_s=ttl_s).text


@receipt_cli.command("verify")
def receipt_verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A receipt as it was issued.")],
    evidence: Annotated[Path | None, typer.Option(exists=True, help="Its evidence bundle.")] = None,
    seals: Annotated[Path | None, typer.Option(exists=True, help="The proofs of its evidence.")] = None,
    public_key: Annotated[str | None, typer.Option(help="The issuer's key, 64 hexadecimal digits.")] = None,
    as_json: Json = False,
) -> None:
    """Recompute a receipt offline: form, signature, price, seconds, evidence chain, seals."""
    from gateway.metering.adapters.receipt_key import is_signed
    from gateway.metering.adapters.zones import offset_s_at
    from gateway.metering.seal_verification import problems_of_seals
    from gateway.metering.verification import problems_of

    bundle, proofs = evidence or _beside(file, "evidence"), seals or _beside(file, "seals")
    expected = key_of(public_key)
    problems = problems_of(
        file.read_bytes(),
        bundle.read_bytes() if bundle else None,
        check_signature=is_signed,
        expected_key=expected,
        offset_s_at=offset_s_at,
    )
    checked = "signature, price and evidence" if bundle else "signature and price (no evidence bundle given)"
    unsealed_bytes = None
    if bundle and proofs:
        finding = problems_of_seals(
            bundle.read_bytes(), proofs.read_bytes(), check_signature=is_signed, expected_key=expected
        )
        problems += finding.problems
        unsealed_bytes = finding.unsealed_bytes
        checked = "signature, price, evidence and seals"
    text = "\n".join(f"BAD  {problem}" for problem in problems) or f"ok   {checked} hold"
    body = {
        "ok": not problems,
        "evidence_checked": bundle is not None,
        "seals_checked": unsealed_bytes is not None,
        "unsealed_bytes": unsealed_bytes,
        "problems": problems,
    }
    show(body, as_json=as_json, text=text)
    raise typer.Exit(UNSOUND if problems else SOUND)


def _beside(receipt: Path, what: str) -> Path | None:
    """The file that lies beside a receipt under the name of its kind."""
    beside = receipt.with_name(receipt.name.replace("receipt", what, 1))
    return beside if beside != receipt and beside.exists() else None


Url = Annotated[str, typer.Option(help="Where the running gateway is.")]


@sessions_cli.command("ls")
def sessions_ls(url: Url = "http://127.0.0.1:8080", data_dir: DataDir = None, as_json: Json = False) -> None:
    """List live sessions of a running gateway."""
    body = asyncio.run(_asked(url, "GET", "/v1/admin/live", data_dir=data_dir))
    lines = [
        f"{each['session']}  {each['state']:<11}{each['billed_s']:>6} s  {each['client']} - {each['provider']}"
        for each in body["sessions"]
    ]
    show({"sessions": body["sessions"]}, as_json=as_json, text="\n".join(lines) or "no live session")


@sessions_cli.command("end")
def sessions_end(
    session: str,
    reason: Annotated[str, typer.Option(help="Kept in the audit log.")],
    url: Url = "http://127.0.0.1:8080",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """End a live session; the reason is kept."""
    path = f"/v1/admin/sessions/{session}/end"
    body = asyncio.run(_asked(url, "POST", path, data_dir=data_dir, body={"reason": reason}))
    show(body, as_json=as_json, text=f"{session} ended")


async def _asked(
    url: str, method: str, path: str, *, data_dir: Path | None, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An operator's call to the running gateway, with a token of this installation's key."""
    import aiohttp

    bearer = _minted(AccountId("acc_cli"), frozenset({Role.OPERATOR}), data_dir=data_dir, ttl_s=60)
    try:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {bearer}"}) as http,
            http.request(method, url + path, json=body) as response,
        ):
            answer: dict[str, Any] = await response.json(content_type=None)
    except aiohttp.ClientError as error:
        raise GatewayError(f"No gateway answers at {url}: {error}", code="unavailable") from error
    if response.status >= 400:
        raise GatewayError(answer.get("detail", "refused"), code=answer.get("code", "refused"))
    return answer


@cli.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(__version__ + "\n")


def main() -> None:
    """The entry point: failures become one sentence and an exit code."""
    try:
        cli()
    except GatewayError as error:
        sys.stderr.write(f"gateway: {error.detail} [{error.wire_code}]\n")
        sys.exit(UNAVAILABLE)
    except OSError as error:
        sys.stderr.write(f"gateway: {error}\n")
        sys.exit(UNAVAILABLE)


if __name__ == "__main__":
    main()
