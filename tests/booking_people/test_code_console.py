import io

import pytest

from gateway.booking.adapters.code_console import ConsoleCodeSender
from gateway.booking.people.account import Locale
from tests.booking_people.bench import PHONE

pytestmark = pytest.mark.adapter


@pytest.mark.parametrize(("locale", "word"), [(Locale.CHINESE, "验证码"), (Locale.ENGLISH, "code")])
async def test_the_console_shows_the_code_and_only_the_end_of_the_number(locale: Locale, word: str) -> None:
    out = io.StringIO()

    await ConsoleCodeSender(out).send(PHONE, "123456", locale)

    assert word in out.getvalue()
    assert "123456" in out.getvalue()
    assert PHONE not in out.getvalue()
