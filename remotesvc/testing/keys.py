"""Makes SSH key pairs in OpenSSH's own file format.

Pure but for the randomness of key generation; nothing is written here. No `ssh-keygen` is
needed, so a machine without the OpenSSH programs can run the embedded server.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

__all__ = ["KeyPair", "KeyType", "make_key"]

KeyType = Literal["ed25519", "ecdsa", "rsa"]
_PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# The smallest size that every current sshd and paramiko accepts; larger ones only cost time.
RSA_BITS = 2048


@dataclass(frozen=True)
class KeyPair:
    """A private key as the content of its file, and its public half as `type base64`."""

    private: bytes = field(repr=False)
    public: str


def make_key(key_type: KeyType = "ed25519", passphrase: str | None = None) -> KeyPair:
    """Make a fresh key pair; with a passphrase the private half is encrypted."""
    private = _GENERATORS[key_type]()
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode())
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return KeyPair(
        private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption), public.decode()
    )


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def _ecdsa() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


_GENERATORS: dict[KeyType, Callable[[], _PrivateKey]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa": _ecdsa,
    "rsa": _rsa,
}
