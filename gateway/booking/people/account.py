"""A person or an integrator, as the gateway knows it.

Decides what a profile may say and how a newcomer is called.
Never holds the phone number: that is a sealed field of the store, looked up by a
blind index, and no other part ever sees it.
Keeps: roles are never empty; an operator never acts as a client or a provider.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import require
from gateway.ids import AccountId
from gateway.terms import Role

NICKNAME_CHARACTERS_MAX = 40
"""Longest nickname; it has to fit a phone's screen beside a price."""
BRIEF_CHARACTERS_MAX = 280
"""Longest self-description."""


class AccountStatus(StrEnum):
    """Whether an account may begin sessions."""

    ACTIVE = "active"
    BARRED = "barred"
    """Kept from new sessions by a sanction; it may still sign in and read its receipts."""


class Locale(StrEnum):
    """The languages the product speaks."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who somebody is, without personal data."""

    id: AccountId
    nickname: str
    """What the other side of a session sees."""
    roles: frozenset[Role]
    brief: str = ""
    """What a provider says of itself."""
    locale: Locale = Locale.CHINESE
    status: AccountStatus = AccountStatus.ACTIVE
    not_before_s: int = 0
    """Access tokens issued before this Unix second are refused."""

    def __post_init__(self) -> None:
        require(bool(self.roles), "an account has at least one role")
        is_both = Role.OPERATOR in self.roles and len(self.roles) > 1
        require(not is_both, "an operator's account is nothing else")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """What a person wants to change; None leaves a field as it is."""

    nickname: str | None = None
    brief: str | None = None
    locale: Locale | None = None


def guest_nickname(digits: str) -> str:
    """How a newcomer is called before choosing a name; `digits` are drawn, not the phone's."""
    return f"Guest {digits[:4]}"


def is_good_text(text: str, *, characters_max: int, is_empty_good: bool) -> bool:
    """Whether a nickname or brief can be shown: printable, trimmed, within its length."""
    if not text:
        return is_empty_good
    return len(text) <= characters_max and text.isprintable() and text == text.strip()
