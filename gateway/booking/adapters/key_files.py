"""The gateway's own keys: made at the first start, one small file each.

Decides where keys lie (`keys/` in the data directory, mode 0600), how they are
named, and that a key others could read is not used at all. The whole folder is
made under another name and renamed, so a crash leaves all keys or none.
Never makes up a lost key: a folder that lacks one is refused, because what the
lost key sealed or signed could not be read again. See docs/operations.md, "Keys".
"""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import Unavailable

KEY_BYTES = 32
"""Length of every key: an ed25519 seed, an AES-256 key, an HMAC-SHA256 key."""
FOLDER = "keys"
_SINGLE = ("receipt", "index", "payment", "master")
_NUMBERED = ("token", "field")


class ReceiptSigner:
    """The key that signs receipts (RFC 8032); satisfies metering's `Signer`."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """First 16 hexadecimal digits of the public key's SHA-256."""
        return key_id_of(self._public)

    @property
    def public_key(self) -> bytes:
        """Raw ed25519 public key, 32 bytes."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Every key of one gateway."""

    token_seeds: Sequence[bytes]
    """ed25519 seeds that access tokens are verified with; the first signs."""
    field_keys: Mapping[str, bytes]
    """AES-256 keys of personal fields by key id; the last one seals."""
    receipt_seed: bytes
    """ed25519 seed that receipts are signed with."""
    index_key: bytes
    """HMAC key of the blind indexes."""
    payment_secret: bytes
    """HMAC key that the sandbox payment provider signs its webhooks with."""
    master_key: bytes
    """What the keys of single purposes are derived from, see `derived`."""

    @classmethod
    def load_or_create(cls, data: Path) -> "KeyRing":
        """The keys in `data`/keys, made there at the first start.

        Raises:
            Unavailable: a file can be read by others, is missing or is no key (`keys_unsafe`,
                `keys_incomplete`); the sentence says what to do.
        """
        folder = data / FOLDER
        if not folder.exists():
            _create(folder)
        return cls(
            token_seeds=[_read(file) for file in reversed(_numbered(folder, "token"))],
            field_keys={file.stem: _read(file) for file in _numbered(folder, "field")},
            receipt_seed=_read(folder / "receipt.key"),
            index_key=_read(folder / "index.key"),
            payment_secret=_read(folder / "payment.key"),
            master_key=_read(folder / "master.key"),
        )

    def derived(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (`one-time-code`, `turn`, …), always the same."""
        return hmac.digest(self.master_key, purpose.encode(), hashlib.sha256)

    def signer(self) -> ReceiptSigner:
        """The receipt key at work."""
        return ReceiptSigner(self.receipt_seed)


def key_id_of(public_key: bytes) -> str:
    """How a public key is named: first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def add_key(data: Path, name: str) -> Path:
    """Add the next `token` or `field` key, which is used from the next start on; older ones still verify."""
    folder = data / FOLDER
    newest = int(_numbered(folder, name)[-1].stem.rpartition("-")[2])
    file = folder / f"{name}-{newest + 1:04d}.key"
    _write(file)
    _sync(folder)
    return file


def _create(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    nascent = folder.with_name(f".{FOLDER}-{secrets.token_hex(4)}")
    nascent.mkdir(mode=0o700)
    for name in (*_SINGLE, *(f"{name}-0001" for name in _NUMBERED)):
        _write(nascent / f"{name}.key")
    _sync(nascent)
    nascent.rename(folder)
    _sync(folder.parent)


def _write(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(f"{secrets.token_hex(KEY_BYTES)}\n")
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _numbered(folder: Path, name: str) -> list[Path]:
    files = sorted(folder.glob(f"{name}-[0-9][0-9][0-9][0-9].key"))
    if not files:
        raise Unavailable(
            f"{folder} has no {name} key. Restore it from a backup; a new one could not read what the lost one wrote.",
            code="keys_incomplete",
        )
    return files


def _read(file: Path) -> bytes:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise Unavailable(
                f"Others can read the key {file} (mode {mode:04o}). Run `chmod 600 {file}`, and replace the key "
                "if somebody may have copied it.",
                code="keys_unsafe",
            )
        key = bytes.fromhex(file.read_text(encoding="ascii"))
    except OSError as failure:
        raise Unavailable(
            f"The key {file} cannot be read: {failure.strerror}.", code="keys_incomplete"
        ) from failure
    except ValueError as failure:
        raise Unavailable(f"{file} does not hold a key in hexadecimal.", code="keys_incomplete") from failure
    if len(key) != KEY_BYTES:
        raise Unavailable(f"{file} holds {len(key)} bytes; a key has {KEY_BYTES}.", code="keys_incomplete")
    return key
