"""Keys are what OpenSSH and paramiko expect."""

import io

import paramiko
import pytest

from remotesvc.testing.keys import KeyType, make_key

READERS = {
    "ed25519": paramiko.Ed25519Key,
    "ecdsa": paramiko.ECDSAKey,
    "rsa": paramiko.RSAKey,
}


@pytest.mark.parametrize("key_type", ["ed25519", "ecdsa", "rsa"])
def test_the_halves_of_a_pair_belong_together(key_type: KeyType) -> None:
    pair = make_key(key_type)

    key = READERS[key_type].from_private_key(io.StringIO(pair.private.decode()))

    assert pair.public == f"{key.get_name()} {key.get_base64()}"


def test_an_encrypted_key_opens_with_its_passphrase_only() -> None:
    text = make_key(passphrase="open sesame").private.decode()

    with pytest.raises(paramiko.PasswordRequiredException):
        paramiko.Ed25519Key.from_private_key(io.StringIO(text))
    assert paramiko.Ed25519Key.from_private_key(io.StringIO(text), "open sesame").can_sign()


def test_the_private_half_is_not_in_the_repr() -> None:
    pair = make_key()

    assert "PRIVATE" not in repr(pair)
    assert pair.public in repr(pair)


def test_every_pair_is_new() -> None:
    assert make_key().public != make_key().public
