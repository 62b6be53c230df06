import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed
from gateway.http.cursor import read_cursor, written_cursor

pytestmark = pytest.mark.core


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.text(max_size=40))
def test_a_cursor_reads_back_as_it_was_written(number: int, text: str) -> None:
    assert read_cursor(written_cursor(number, text), int, str) == (number, text)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        "AAAA",
        "no cursor",
        "é",
        encoded("{}"),
        encoded("[]"),
        encoded('["7"]'),
        encoded("[true]"),
        encoded("[7.0]"),
        encoded("[7,8]"),
        encoded("[" * 100_000),
        encoded(f"[{2**63}]"),
        encoded(f"[{'9' * 200}]"),
    ],
    ids=lambda cursor: cursor[:20],
)
def test_what_is_no_cursor_of_this_list_is_malformed(cursor: str) -> None:
    with pytest.raises(Malformed):
        read_cursor(cursor, int)
