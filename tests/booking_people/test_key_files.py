import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.booking.adapters.key_files import KeyRing, add_key, key_id_of
from gateway.errors import Unavailable

pytestmark = pytest.mark.adapter


def test_keys_are_made_once_and_are_the_same_afterwards(tmp_path: Path) -> None:
    made = KeyRing.load_or_create(tmp_path / "data")

    assert KeyRing.load_or_create(tmp_path / "data") == made
    secrets = [*made.token_seeds, *made.field_keys.values(), made.receipt_seed, made.index_key]
    secrets += [made.payment_secret, made.master_key]
    assert len(set(secrets)) == 6
    assert {len(secret) for secret in secrets} == {32}


def test_nobody_else_can_read_a_key(tmp_path: Path) -> None:
    KeyRing.load_or_create(tmp_path)

    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for file in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644])
@pytest.mark.parametrize("name", ["receipt", "token-0001", "field-0001", "index", "payment", "master"])
def test_a_key_others_can_read_is_refused_with_the_remedy(tmp_path: Path, name: str, mode: int) -> None:
    KeyRing.load_or_create(tmp_path)
    (tmp_path / "keys" / f"{name}.key").chmod(mode)

    with pytest.raises(Unavailable, match="chmod 600") as refusal:
        KeyRing.load_or_create(tmp_path)
    assert refusal.value.wire_code == "keys_unsafe"


@pytest.mark.parametrize("name", ["receipt", "token-0001", "field-0001", "index", "payment", "master"])
def test_a_lost_key_is_not_made_up(tmp_path: Path, name: str) -> None:
    KeyRing.load_or_create(tmp_path)
    (tmp_path / "keys" / f"{name}.key").unlink()

    with pytest.raises(Unavailable) as refusal:
        KeyRing.load_or_create(tmp_path)
    assert refusal.value.wire_code == "keys_incomplete"
    assert not (tmp_path / "keys" / f"{name}.key").exists()


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "00" * 33, "é" * 32])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    KeyRing.load_or_create(tmp_path)
    (tmp_path / "keys" / "receipt.key").write_text(text)

    with pytest.raises(Unavailable):
        KeyRing.load_or_create(tmp_path)


def test_an_added_token_key_signs_and_the_old_one_still_verifies(tmp_path: Path) -> None:
    before = KeyRing.load_or_create(tmp_path)
    add_key(tmp_path, "token")
    after = KeyRing.load_or_create(tmp_path)

    assert len(after.token_seeds) == 2
    assert after.token_seeds[1] == before.token_seeds[0]


def test_an_added_field_key_comes_beside_the_old_one(tmp_path: Path) -> None:
    before = KeyRing.load_or_create(tmp_path)
    add_key(tmp_path, "field")
    after = KeyRing.load_or_create(tmp_path)

    assert list(after.field_keys) == ["field-0001", "field-0002"]
    assert after.field_keys["field-0001"] == before.field_keys["field-0001"]


def test_the_receipt_signer_signs_what_its_public_key_verifies(tmp_path: Path) -> None:
    signer = KeyRing.load_or_create(tmp_path).signer()

    signature = signer.sign(b"receipt")

    assert (len(signature), len(signer.public_key)) == (64, 32)
    Ed25519PublicKey.from_public_bytes(signer.public_key).verify(signature, b"receipt")
    assert signer.key_id == key_id_of(signer.public_key)
    assert len(signer.key_id) == 16


def test_derived_keys_differ_by_purpose_and_stay(tmp_path: Path) -> None:
    keys = KeyRing.load_or_create(tmp_path)

    assert keys.derived("turn") == KeyRing.load_or_create(tmp_path).derived("turn")
    assert keys.derived("turn") != keys.derived("one-time-code")
