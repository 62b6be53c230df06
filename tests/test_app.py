"""The whole gateway, opened and closed: who may call what, and what an operator is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway import app
from gateway.booking.people.seed import DEMO_PEOPLE
from gateway.config import Settings
from gateway.errors import GatewayError, StoreDown, Unavailable
from gateway.sdk.http import HttpClient
from gateway.terms import Role

pytestmark = pytest.mark.adapter

PHONES = {person.role: person.phone for person in reversed(DEMO_PEOPLE) if person.role is not Role.INTEGRATOR}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[app.Gateway]:
    opened = await app.start(app.rehearsal(tmp_path / "house", people=DEMO_PEOPLE))
    yield opened
    await opened.close()


async def token_of(url: str, role: Role) -> str:
    async with HttpClient(url) as http:
        await http.sign_in(PHONES[role])
        return str(http.token)


async def test_every_route_lets_in_its_roles_and_nobody_else(house: app.Gateway) -> None:
    tokens = {role: await token_of(house.http_url, role) for role in PHONES}
    async with aiohttp.ClientSession() as http:
        document = await (await http.get(f"{house.http_url}/openapi.json")).json()
        routes = [
            (method.upper(), path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]
        assert len(routes) > 30
        for method, path, operation in routes:
            allowed = operation["x-access"]
            filled = path.replace("{", "").replace("}", "")
            for role in (None, *tokens):
                headers = {"Idempotency-Key": "k"}
                if role is not None:
                    headers["Authorization"] = f"Bearer {tokens[role]}"
                body = {} if method != "GET" else None
                async with http.request(
                    method, house.http_url + filled, headers=headers, json=body
                ) as answer:
                    is_let_in = answer.status not in (401, 403)
                expected = (
                    allowed == "public"
                    or (allowed == "signed_in" and role is not None)
                    or (role is not None and allowed == role)
                )
                if allowed == "public":
                    assert answer.status != 403, (method, path, role)
                else:
                    assert is_let_in == expected, (method, path, role, answer.status)


async def test_a_second_gateway_on_the_same_files_is_refused(house: app.Gateway, tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match="another process"):
        await app.start(app.rehearsal(tmp_path / "house"))


async def test_a_taken_port_is_named(house: app.Gateway, tmp_path: Path) -> None:
    port = int(house.http_url.rpartition(":")[2])
    settings = Settings(environment="demo", data_dir=tmp_path / "other", http_port=port, media_port=0)

    with pytest.raises(Unavailable, match=f"Port {port}"):
        await app.start(app.Opening(settings=settings))

    again = await app.start(app.rehearsal(tmp_path / "other"))
    await again.close()


async def test_people_are_seeded_once_and_keep_their_money(tmp_path: Path) -> None:
    for _ in range(2):
        opened = await app.start(app.rehearsal(tmp_path / "house", people=DEMO_PEOPLE))
        try:
            async with HttpClient(opened.http_url) as http:
                await http.sign_in(PHONES[Role.CLIENT])
                assert await http.available_micros() == 100_000_000
        finally:
            await opened.close()


async def test_outside_a_demonstration_no_code_is_shown_and_no_sandbox_pays(tmp_path: Path) -> None:
    settings = Settings(
        environment="production",
        is_behind_tls_proxy=True,
        data_dir=tmp_path / "house",
        http_port=0,
        media_port=0,
    )
    opened = await app.start(app.Opening(settings=settings, people=DEMO_PEOPLE))
    try:
        async with aiohttp.ClientSession() as http:
            body = {"phone": PHONES[Role.CLIENT]}
            answer = await (await http.post(f"{opened.http_url}/v1/auth/otp", json=body)).json()
            page = await http.get(f"{opened.http_url}/sandbox/pay/pay_x")
        assert answer["demo_code"] is None
        assert page.status == 404
    finally:
        await opened.close()


async def test_with_a_certificate_the_port_speaks_tls_and_nothing_else(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    settings = Settings(
        data_dir=tmp_path / "house",
        http_port=0,
        media_port=0,
        tls_certificate=certificate,
        tls_key=key,
    )
    opened = await app.start(app.Opening(settings=settings))
    try:
        trusting = ssl.create_default_context(cafile=certificate)
        async with aiohttp.ClientSession() as http:
            assert opened.http_url.startswith("https://127.0.0.1:")
            async with http.get(f"{opened.http_url}/healthz", ssl=trusting) as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientError):
                await http.get(opened.http_url.replace("https", "http") + "/healthz")
    finally:
        await opened.close()


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = directory / "certificate.pem", directory / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


async def test_documents_pages_health_and_metrics_answer(house: app.Gateway) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/", "/provider", "/ops", "/docs", "/openapi.json", "/asyncapi.json", "/healthz"):
            assert (await http.get(house.http_url + path)).status == 200, path
        ready = await (await http.get(f"{house.http_url}/readyz")).json()
        metrics = await (await http.get(f"{house.http_url}/metrics")).text()
    assert ready["ready"]
    assert ready["checks"] == {"store": True, "media": True, "accepting": True}
    assert "gateway_invariant_ok" in metrics


async def test_a_wallet_topped_up_through_the_sandbox_is_credited_once(house: app.Gateway) -> None:
    async with HttpClient(house.http_url) as http:
        await http.sign_in(PHONES[Role.CLIENT])
        before = await http.available_micros()
        done = await http.top_up(20_000_000)
        for _ in range(3):
            again = await http.get(f"/v1/wallet/topups/{done['id']}")
        assert again["state"] == "succeeded"
        assert await http.available_micros() == before + 20_000_000
        declined = await http.top_up(20_000_000, outcome="decline")
        assert declined["state"] == "failed"
        assert await http.available_micros() == before + 20_000_000


async def test_closing_leaves_no_task_behind(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    opened = await app.start(app.rehearsal(tmp_path / "house", people=DEMO_PEOPLE))
    async with HttpClient(opened.http_url) as http:
        await http.sign_in(PHONES[Role.PROVIDER])

    await opened.close()

    assert asyncio.all_tasks() == before


async def test_a_quote_says_what_a_minute_costs_and_what_is_set_aside(house: app.Gateway) -> None:
    async with HttpClient(house.http_url) as http:
        await http.sign_in(PHONES[Role.CLIENT])
        provider = (await http.providers())[0]
        offer = next(offer for offer in provider["offers"] if offer["kind"] == "voice")
        quote = await http.quote(provider["id"], "voice", 60)

    assert quote["cost"]["micros"] == offer["price_micros_per_minute"]
    assert quote["hold"]["micros"] == offer["price_micros_per_minute"]
    assert quote["tariff_hash"] == offer["tariff_hash"]
    assert json.dumps(quote["tariff"])


async def test_a_gateway_error_is_what_a_broken_store_raises(tmp_path: Path) -> None:
    directory = tmp_path / "house"
    directory.mkdir()
    (directory / app.DATABASE).write_bytes(b"this is no database" * 100)

    with pytest.raises(GatewayError, match="database"):
        await app.start(app.rehearsal(directory))
