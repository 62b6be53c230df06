"""The people of a demonstration, and crowds for load tests.

Decides only who they are and what they ask for. Their numbers are in ranges no network has given out
(`+86 100 …`), so no code can reach a real person by mistake.
Never creates anything: `people_service.py` does, and does it once; money is
given by whoever wires the wallets, from `wallet_micros`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.booking.people.account import Locale
from gateway.booking.people.offer import per_second_tariff
from gateway.errors import require
from gateway.money import MICROS_PER_UNIT
from gateway.terms import Role, SessionKind, TariffSnapshot

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
    """A provider's plain price by kind."""
    terms: Mapping[SessionKind, Mapping[str, Any]] = field(default_factory=dict)
    """Complete terms (version 2) by kind, without the currency, where the price is not a plain one."""
    wallet_micros: int = 0
    """Cash a client begins with."""

    def tariffs(self, currency: str) -> Mapping[SessionKind, TariffSnapshot]:
        """What a provider offers, in that currency; terms come before plain prices."""
        plain = {
            kind: per_second_tariff(price_micros_per_minute=price, currency=currency)
            for kind, price in self.price_micros_per_minute.items()
        }
        own = {kind: TariffSnapshot.of({**terms, "currency": currency}) for kind, terms in self.terms.items()}
        return plain | own


_HUNDREDTH = MICROS_PER_UNIT // 100
_NOTHING: dict[str, Any] = {
    "version": 2,
    "kind": "per_second",
    "tiers": [],
    "connect_fee_micros": 0,
    "free_s": 0,
    "initial_block_s": 0,
    "increment_s": 1,
    "rounding": "down",
    "minimum_micros": 0,
    "cap_micros": None,
    "free_if_ended_within_s": 10,
    "billed_when_socket_only": False,
    "zone": "",
    "windows": [],
    "block": None,
    "session_micros": 0,
    "message_micros": 0,
    "messages_free": 0,
    "messages_from": "client",
    "spend_notify_micros": None,
    "spend_consent_micros": None,
    "spend_stop_micros": None,
}
"""Every term of version 2 where it says nothing but that a very short session is free."""


def _minute(hundredths: int) -> list[dict[str, int]]:
    """One price per minute."""
    return [{"from_s": 0, "price_micros_per_minute": hundredths * _HUNDREDTH}]


_ASKING_HALF_HOUR: Mapping[str, Any] = {
    **_NOTHING,
    "kind": "block",
    "block": {"length_s": 1800, "price_micros": 200 * MICROS_PER_UNIT, "overrun": "ask"},
}
"""Half an hour paid ahead; the client is asked before the next one."""
_STARTED_MINUTES: Mapping[str, Any] = {
    **_NOTHING,
    "kind": "per_minute",
    "tiers": _minute(420),
    "connect_fee_micros": MICROS_PER_UNIT,
    "increment_s": 60,
    "rounding": "up",
}
"""Started minutes, and a fee for the connection."""
_DEARER_EVENINGS: Mapping[str, Any] = {
    **_NOTHING,
    "tiers": _minute(180),
    "zone": "Asia/Shanghai",
    "windows": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "22:00", "until": "02:00", "tiers": _minute(260)}],
}
"""By the second; more at night."""
_BY_THE_MESSAGE: Mapping[str, Any] = {
    **_NOTHING,
    "kind": "per_message",
    "message_micros": 50 * _HUNDREDTH,
    "messages_free": 3,
    "free_if_ended_within_s": 0,
}
"""Each message of the client after the third."""


def _provider(
    number: int,
    nickname: str,
    brief: str,
    locale: Locale,
    *,
    voice: int | Mapping[str, Any],
    text: int | Mapping[str, Any],
    video: int | Mapping[str, Any],
) -> SeedPerson:
    """A provider with terms, or prices in hundredths of a unit per minute."""
    asked = {SessionKind.VOICE: voice, SessionKind.TEXT: text, SessionKind.VIDEO: video}
    return SeedPerson(
        phone=f"+86100000000{number:02d}",
        nickname=nickname,
        role=Role.PROVIDER,
        brief=brief,
        locale=locale,
        price_micros_per_minute={
            kind: price * _HUNDREDTH for kind, price in asked.items() if isinstance(price, int)
        },
        terms={kind: terms for kind, terms in asked.items() if not isinstance(terms, int)},
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
    _provider(11, "林夕", "陪你聊聊今天，什么都可以说。", Locale.CHINESE, voice=300, text=100, video=450),
    _provider(
        12,
        "周老师",
        "初高中数学，一道题讲到你真的会。",
        Locale.CHINESE,
        voice=500,
        text=_BY_THE_MESSAGE,
        video=700,
    ),
    _provider(
        13,
        "Amelia Hart",
        "Career consultant: interviews, offers, difficult conversations.",
        Locale.ENGLISH,
        voice=_ASKING_HALF_HOUR,
        text=300,
        video=900,
    ),
    _provider(
        14, "陈默", "深夜电台，认真听你说话。", Locale.CHINESE, voice=_DEARER_EVENINGS, text=60, video=280
    ),
    _provider(
        15,
        "Kenji Mori",
        "Japanese tutor. We talk, you make mistakes, it stays fun.",
        Locale.ENGLISH,
        voice=_STARTED_MINUTES,
        text=150,
        video=_STARTED_MINUTES,
    ),
    SeedPerson(phone="+8610000000091", nickname="Duty operator", role=Role.OPERATOR, locale=Locale.ENGLISH),
)
"""Four clients, five providers, one operator."""


def crowd(pairs: int, *, price_micros_per_minute: int, wallet_micros: int) -> tuple[SeedPerson, ...]:
    """`pairs` clients, then as many providers, all alike, named and numbered from 0001; video costs double.

    Client n has the number +86 100 1000 n, provider n +86 100 2000 n (four digits).
    """
    require(0 < pairs <= CROWD_MAX, f"a crowd has 1 to {CROWD_MAX} pairs")
    prices = {kind: price_micros_per_minute * (2 if kind is SessionKind.VIDEO else 1) for kind in SessionKind}
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
