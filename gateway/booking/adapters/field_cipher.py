"""Personal fields at rest: sealed under a key id, found by a blind index.

Decides the form: 12 random bytes of nonce, then AES-256-GCM (NIST SP 800-38D),
bound to the field and the row it belongs to, so that a sealed value copied to
another row does not open. The index is an HMAC: equal inputs are found, nothing
else can be read from it.
Never logs and never decides what is personal; the stores do.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Unavailable, require

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """A field as it is stored."""

    key_id: str
    """Which key sealed it; older keys go on opening what they sealed."""
    blob: bytes
    """Nonce, ciphertext and tag."""


class FieldCipher:
    """Seals, opens and indexes."""

    def __init__(self, keys: Mapping[str, bytes], index_key: bytes) -> None:
        require(bool(keys), "personal fields need a key")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._newest = max(keys)
        self._index_key = index_key

    def seal(self, text: str, *, field: str, row: str) -> Sealed:
        """Seal the text of `field` in `row` with the newest key."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, text.encode(), _place(field, row))
        return Sealed(self._newest, nonce + sealed)

    def open(self, sealed: Sealed, *, field: str, row: str) -> str:
        """The text again.

        Raises:
            Unavailable: the key is gone, or the value was not sealed for this field and row.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise Unavailable(f"The field key {sealed.key_id} is missing.", code="keys_incomplete")
        nonce, body = sealed.blob[:_NONCE_BYTES], sealed.blob[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, body, _place(field, row)).decode()
        except InvalidTag as failure:
            raise Unavailable("A sealed field does not open.", code="field_damaged") from failure

    def index(self, field: str, text: str) -> bytes:
        """The blind index of a text, comparable within `field` only."""
        return hmac.digest(self._index_key, _place(field, text), hashlib.sha256)


def _place(field: str, row: str) -> bytes:
    return f"{field}\x1f{row}".encode()
