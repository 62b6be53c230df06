import pytest

from gateway.booking.adapters.field_cipher import Sealed
from gateway.errors import Unavailable
from tests.booking_people.bench import PHONE, cipher

pytestmark = pytest.mark.adapter


def test_a_sealed_field_opens_in_its_own_row_and_shows_nothing() -> None:
    sealed = cipher().seal(PHONE, field="phone", row="acc_1")

    assert cipher().open(sealed, field="phone", row="acc_1") == PHONE
    assert PHONE.encode() not in sealed.blob
    assert cipher().seal(PHONE, field="phone", row="acc_1").blob != sealed.blob


@pytest.mark.parametrize(("field", "row"), [("phone", "acc_2"), ("name", "acc_1")])
def test_a_field_moved_to_another_place_does_not_open(field: str, row: str) -> None:
    sealed = cipher().seal(PHONE, field="phone", row="acc_1")

    with pytest.raises(Unavailable):
        cipher().open(sealed, field=field, row=row)


def test_a_changed_or_cut_field_does_not_open() -> None:
    sealed = cipher().seal(PHONE, field="phone", row="acc_1")
    changed = bytes([sealed.blob[0] ^ 1]) + sealed.blob[1:]

    for blob in (changed, sealed.blob[:-1]):
        with pytest.raises(Unavailable):
            cipher().open(Sealed(sealed.key_id, blob), field="phone", row="acc_1")


def test_a_newer_key_seals_and_the_older_goes_on_opening() -> None:
    old = cipher("field-0001").seal(PHONE, field="phone", row="acc_1")
    both = cipher("field-0001", "field-0002")

    assert both.open(old, field="phone", row="acc_1") == PHONE
    assert both.seal(PHONE, field="phone", row="acc_1").key_id == "field-0002"
    with pytest.raises(Unavailable, match="field-0001"):
        cipher("field-0002").open(old, field="phone", row="acc_1")


def test_the_blind_index_finds_equals_within_a_field_only() -> None:
    index = cipher().index("phone", PHONE)

    assert index == cipher().index("phone", PHONE)
    assert index != cipher().index("phone", "+8610000000002")
    assert index != cipher().index("email", PHONE)
