"""Private keys: where each is kept, who may use it, and how it is destroyed.

The system's keyring keeps them; where there is none, a file of mode 0600 does, under a passphrase
(Argon2id, then libsodium's secret box). The collector never needs one: it seals with the public key.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from codex_telemetry import private_files
from codex_telemetry.errors import UserError

SERVICE = "codex-telemetry"
"""Under this name keys are in the keyring."""

KeptIn = Literal["keyring", "file"]

Passphrase = Callable[[], str]
"""Asks for it, when it is needed."""

Opener = Callable[[bytes], bytes | None]
"""Opens a box; None for one that this key doesn't open."""

SHORTEST = 8
"""Characters of a passphrase."""

MOST_MEMORY = 1 << 30
"""Bytes that opening a key file may take, whatever stands in it."""


class MadeKey(NamedTuple):
    public: bytes
    kept_in: KeptIn


class KeyFile(Struct):
    """How a key file reads, as JSON; bytes are hex."""

    salt: str
    box: str
    opslimit: int
    memlimit: int
    version: int = 1


def keys_folder(database: Path) -> Path:
    """Beside the database, not in it: who is given the one doesn't get the other."""
    return database.with_name(f"{database.name}.keys")


def key_file(database: Path, public: bytes) -> Path:
    return keys_folder(database) / f"{fingerprint(public)}.key"


def fingerprint(public: bytes) -> str:
    import hashlib  # noqa: PLC0415 - slow to load, and for keys alone

    return hashlib.blake2b(public, digest_size=16).hexdigest()


def keeper() -> KeptIn:
    """Where a key that is made now would be kept."""
    return "file" if _keyring() is None else "keyring"


def make(database: Path, passphrase: Passphrase) -> MadeKey:
    """A new pair of keys; the private one is kept before this returns.

    Raises `UserError` where there is no keyring and no passphrase, or the file can't be written.
    """
    from nacl.public import PrivateKey  # noqa: PLC0415 - only where something is captured

    private = PrivateKey.generate()
    public, secret = bytes(private.public_key), bytes(private)
    if _into_keyring(fingerprint(public), secret):
        return MadeKey(public, "keyring")
    word = passphrase()
    if len(word) < SHORTEST:
        raise UserError(
            f"the passphrase is too short: {SHORTEST} characters at least",
            hint="take a longer one; it protects all that is kept",
        )
    file = key_file(database, public)
    try:
        private_files.write(file, msgspec.json.encode(_locked(secret, word)), anew=True)
    except OSError as error:
        raise UserError(
            f"cannot write the key file {file}: {error.strerror}", hint="check its permissions"
        ) from None
    return MadeKey(public, "file")


def unlock(database: Path, public: bytes, kept_in: str, passphrase: Passphrase) -> Opener:
    """The private key that belongs to a public one, ready to open boxes. Raises `UserError`."""
    from nacl.exceptions import CryptoError  # noqa: PLC0415
    from nacl.public import PrivateKey, SealedBox  # noqa: PLC0415

    if kept_in == "keyring":
        secret = _from_keyring(fingerprint(public))
    else:
        secret = _from_file(key_file(database, public), passphrase)
    box = SealedBox(PrivateKey(secret))

    def opener(sealed: bytes) -> bytes | None:
        try:
            return bytes(box.decrypt(sealed))
        except (CryptoError, ValueError):
            return None

    return opener


def is_there(database: Path, public: bytes, kept_in: str) -> bool:
    """Whether the private key is where it was put, as far as can be told from here."""
    if kept_in == "file":
        return key_file(database, public).exists()
    ring = _keyring()
    try:
        return ring is None or ring.get_password(SERVICE, fingerprint(public)) is not None
    except Exception:  # noqa: BLE001 - locked, say
        return True


def sealer(public: bytes) -> Callable[[bytes], bytes]:
    """Puts things into boxes that only the private key opens."""
    from nacl.public import PublicKey, SealedBox  # noqa: PLC0415

    box = SealedBox(PublicKey(public))
    return lambda plain: bytes(box.encrypt(plain))


def destroy(database: Path, public: bytes, kept_in: str) -> bool:
    """Destroy a private key; False if it is still there, for want of the keyring it is in."""
    if kept_in == "keyring":
        ring = _keyring()
        if ring is None:
            return False
        try:
            if ring.get_password(SERVICE, fingerprint(public)) is not None:
                ring.delete_password(SERVICE, fingerprint(public))
            return ring.get_password(SERVICE, fingerprint(public)) is None
        except Exception:  # noqa: BLE001 - a backend may raise anything
            return False
    file = key_file(database, public)
    try:
        private_files.overwrite(file)
        file.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    with contextlib.suppress(OSError):
        file.parent.rmdir()  # if it was the last
    return True


def _keyring() -> Any:
    """The keyring of the system; None where there is none that keeps a secret."""
    try:
        import keyring  # noqa: PLC0415 - only who makes or uses a key needs it
        from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415

        ring: Any = keyring.get_keyring()
        if isinstance(ring, ChainerBackend):
            ring = next(iter(ring.backends), None)
        # Below 1 are those that keep nothing, or anything in the clear; of files we have our own.
        if ring is None or ring.priority < 1 or type(ring).__module__.startswith("keyrings.alt"):
            return None
    except Exception:  # noqa: BLE001 - a backend may raise anything
        return None
    return ring


def _into_keyring(name: str, secret: bytes) -> bool:
    ring = _keyring()
    if ring is None:
        return False
    try:
        ring.set_password(SERVICE, name, secret.hex())
        return bool(ring.get_password(SERVICE, name) == secret.hex())
    except Exception:  # noqa: BLE001 - locked, or refused: then a file it is
        return False


def _from_keyring(name: str) -> bytes:
    ring = _keyring()
    if ring is None:
        raise UserError(
            "the private key is in a keyring that isn't here",
            hint="run this in the session in which capture was enabled",
        )
    try:
        told = ring.get_password(SERVICE, name)
    except Exception as error:  # noqa: BLE001 - a backend may raise anything
        raise UserError(
            f"the keyring doesn't give the private key ({type(error).__name__})",
            hint="unlock it, and try again",
        ) from None
    if told is None:
        raise _lost("the private key isn't in the keyring any more")
    return _unhexed(told)


def _from_file(file: Path, passphrase: Passphrase) -> bytes:
    try:
        told = msgspec.json.decode(file.read_bytes(), type=KeyFile)
    except FileNotFoundError:
        raise _lost(f"the key file {file} is gone") from None
    except OSError as error:
        raise UserError(
            f"cannot read the key file {file}: {error.strerror}", hint="check its permissions"
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _lost(f"{file} is no key file any more") from None
    secret = _unlocked(told, passphrase())
    if secret is None:
        raise UserError(
            "the passphrase doesn't open the key", hint="try again; nothing was changed"
        )
    return secret


def _lost(what: str) -> UserError:
    return UserError(
        what,
        hint="put it back from a backup; without it nothing that was kept can be read, "
        "and codex-telemetry capture purge removes it",
    )


def _locked(secret: bytes, word: str) -> KeyFile:
    from nacl.pwhash import argon2id  # noqa: PLC0415
    from nacl.secret import SecretBox  # noqa: PLC0415
    from nacl.utils import random  # noqa: PLC0415

    salt = random(argon2id.SALTBYTES)
    ops, memory = argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE
    try:
        key = argon2id.kdf(SecretBox.KEY_SIZE, _bytes(word), salt, opslimit=ops, memlimit=memory)
    except (RuntimeError, MemoryError):
        raise UserError(
            f"making the key takes {memory >> 20} MiB of memory, which aren't there",
            hint="free some, and try again; nothing was changed",
        ) from None
    return KeyFile(salt.hex(), SecretBox(key).encrypt(secret).hex(), ops, memory)


def _unlocked(told: KeyFile, word: str) -> bytes | None:
    from nacl.exceptions import CryptoError  # noqa: PLC0415
    from nacl.pwhash import argon2id  # noqa: PLC0415
    from nacl.secret import SecretBox  # noqa: PLC0415

    try:
        key = argon2id.kdf(
            SecretBox.KEY_SIZE,
            _bytes(word),
            _unhexed(told.salt),
            opslimit=told.opslimit,
            memlimit=min(told.memlimit, MOST_MEMORY),
        )
        return SecretBox(key).decrypt(_unhexed(told.box))
    except (CryptoError, ValueError, TypeError):
        return None


def _bytes(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")


def _unhexed(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise _lost("the private key is damaged") from None
