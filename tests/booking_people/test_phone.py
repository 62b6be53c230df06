import pytest

from gateway.booking.people.phone import is_mainland, normalized

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("+8610000000001", "+8610000000001"),
        (" +86 100 0000 0001 ", "+8610000000001"),
        ("0086-100-0000-0001", "+8610000000001"),
        ("100 0000 0001", "+8610000000001"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("+49.30.123456", "+4930123456"),
        ("", None),
        ("+", None),
        ("123", None),
        ("+0123456789", None),
        ("+1234567890123456", None),
        ("+86abc00000001", None),
        ("+86１00000000", None),
        ("１００００００００００", None),
        ("100\n0000 0001\x00", None),
        ("+8610000000001;drop", None),
    ],
)
def test_the_ways_people_write_a_number_become_one_form(written: str, phone: str | None) -> None:
    assert normalized(written) == phone


def test_a_mainland_number_is_told_from_others() -> None:
    assert is_mainland("+8610000000001")
    assert not is_mainland("+14155550100")
