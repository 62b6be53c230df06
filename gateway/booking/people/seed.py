"""The people of a demonstration, and crowds for load tests.

Decides only who they are. Their numbers are in ranges no network has given out
(`+86 100 …`), so no code can reach a real person by mistake.
Never creates anything: `people_service.py` does, and does it once; money is
given by whoever wires the wallets, from `wallet_micros`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.booking.people.account import Locale
from gateway.errors import require
from gateway.money import MICROS_PER_UNIT
from gateway.terms import Role, SessionKind

CROWD_MAX = 5_000
"""Pairs in one crowd; four digits number them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPerson:
    """Somebody who is there from the first start."""

    phone: str
    """E.164, from a fictional range."""
    nickname: str
    role: Role
    brief: str = ""
    locale: Locale = Locale.CHINESE
    price_micros_per_minute: Mapping[SessionKind, int] = field(default_factory=dict)
    """A provider's price by kind."""
    wallet_micros: int = 0
    """Cash a client begins with."""


def _provider(number: int, nickname: str, brief: str, locale: Locale, *, voice: int, text: int) -> SeedPerson:
    """A provider with prices in hundredths of a unit per minute."""
    hundredth = MICROS_PER_UNIT // 100
    return SeedPerson(
        phone=f"+86100000000{number:02d}",
        nickname=nickname,
        role=Role.PROVIDER,
        brief=brief,
        locale=locale,
        price_micros_per_minute={SessionKind.VOICE: voice * hundredth, SessionKind.TEXT: text * hundredth},
    )


def _client(number: int, nickname: str, locale: Locale, *, units: int) -> SeedPerson:
    return SeedPerson(
        phone=f"+86100000000{number:02d}",
        nickname=nickname,
        role=Role.CLIENT,
        locale=locale,
        wallet_micros=units * MICROS_PER_UNIT,
    )


DEMO_PEOPLE = (
    _client(1, "小满", Locale.CHINESE, units=100),
    _client(2, "Tom Becker", Locale.ENGLISH, units=100),
    _client(3, "阿青", Locale.CHINESE, units=20),
    _client(4, "Nora Lind", Locale.ENGLISH, units=5),
    _provider(11, "林夕", "陪你聊聊今天，什么都可以说。", Locale.CHINESE, voice=300, text=100),
    _provider(12, "周老师", "初高中数学，一道题讲到你真的会。", Locale.CHINESE, voice=500, text=200),
    _provider(
        13,
        "Amelia Hart",
        "Career consultant: interviews, offers, difficult conversations.",
        Locale.ENGLISH,
        voice=800,
        text=300,
    ),
    _provider(14, "陈默", "深夜电台，认真听你说话。", Locale.CHINESE, voice=180, text=60),
    _provider(
        15,
        "Kenji Mori",
        "Japanese tutor. We talk, you make mistakes, it stays fun.",
        Locale.ENGLISH,
        voice=420,
        text=150,
    ),
    SeedPerson(phone="+8610000000091", nickname="Duty operator", role=Role.OPERATOR, locale=Locale.ENGLISH),
)
"""Four clients, five providers, one operator."""


def crowd(pairs: int, *, price_micros_per_minute: int, wallet_micros: int) -> tuple[SeedPerson, ...]:
    """`pairs` clients, then as many providers, all alike, named and numbered from 0001.

    Client n has the number +86 100 1000 n, provider n +86 100 2000 n (four digits).
    """
    require(0 < pairs <= CROWD_MAX, f"a crowd has 1 to {CROWD_MAX} pairs")
    prices = {SessionKind.VOICE: price_micros_per_minute, SessionKind.TEXT: price_micros_per_minute}
    clients = tuple(
        SeedPerson(
            phone=f"+861001000{number:04d}",
            nickname=f"Client {number:04d}",
            role=Role.CLIENT,
            wallet_micros=wallet_micros,
        )
        for number in range(1, pairs + 1)
    )
    providers = tuple(
        SeedPerson(
            phone=f"+861002000{number:04d}",
            nickname=f"Provider {number:04d}",
            role=Role.PROVIDER,
            price_micros_per_minute=prices,
        )
        for number in range(1, pairs + 1)
    )
    return clients + providers
