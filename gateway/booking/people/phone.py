"""A telephone number in the one form that is stored and compared.

Decides what counts as a number (E.164: `+`, a country code, at most 15 digits)
and how the ways people write it become that form.
Never asks a network whether the number exists; the one-time code finds out.
"""

import re

_SEPARATORS = re.compile(r"[\s().\-\u00a0]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MAINLAND = re.compile(r"1[0-9]{10}")
"""A mainland Chinese number as people there write it, without a country code."""


def normalized(written: str) -> str | None:
    """`written` in E.164, or None where it is not a number.

    `00` reads as `+`; eleven digits that begin with 1 read as +86, so callers from
    the +1 countries must write their country code.
    """
    digits = _SEPARATORS.sub("", written)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif _MAINLAND.fullmatch(digits) and digits.isascii():
        digits = f"+86{digits}"
    return digits if _E164.fullmatch(digits) else None


def is_mainland(phone: str) -> bool:
    """Whether a normalized number is a mainland Chinese one, for the language of a message."""
    return phone.startswith("+86")
