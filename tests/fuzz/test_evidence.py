"""The evidence decoder refuses bytes or reads them as the one thing they spell."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import Malformed
from tests.fuzz.evidence import decode_everything, finding_of, mutated, some_bundle
from tests.metering.test_evidence import STORED_V1

pytestmark = pytest.mark.core


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x53")
@example(b"\x41\x02")
def test_arbitrary_bytes_are_refused_or_re_encode_to_themselves(data: bytes) -> None:
    assert finding_of(data) is None


@given(st.integers(0, 2**32))
def test_what_the_encoder_writes_is_read_and_written_again(seed: int) -> None:
    bundle = some_bundle(random.Random(seed))

    assert decode_everything(bundle) == bundle


@given(st.integers(0, 2**32))
def test_mutants_of_valid_bundles_are_refused_or_re_encode_to_themselves(seed: int) -> None:
    chance = random.Random(seed)

    assert finding_of(mutated(some_bundle(chance), chance)) is None


@given(st.integers(0, len(STORED_V1) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_stored_session_is_seen(at: int, change: int) -> None:
    changed = bytearray(STORED_V1)
    changed[at] ^= change

    try:
        again = decode_everything(bytes(changed))
    except Malformed:
        return

    assert again == bytes(changed) != STORED_V1
