"""What parent and child tell each other first: the order of the fields, and values that travel."""

from remotesvc.bootstrap.info import Info
from remotesvc.bootstrap.settings import MARKER, Settings
from remotesvc.core.values import decode, encode

FIELDS = (b"n" * 16, 5, (3, 0), 1 << 27, False, 1 << 18, 15.0, 3, 5.0, 30, {"LANG": "C"}, "/srv")


def test_settings_are_the_same_after_a_journey() -> None:
    arrived = Settings(*decode(encode(Settings(*FIELDS).plain())))
    assert arrived.plain() == FIELDS
    assert (arrived.nonce, arrived.own_id, arrived.parents) == FIELDS[:3]
    assert (arrived.env, arrived.cwd) == FIELDS[10:]


def test_every_setting_has_its_place() -> None:
    assert len(Settings.__slots__) == len(FIELDS)


def test_info_shows_all_its_facts() -> None:
    info = Info(1, (3, 9, 2), "/usr/bin/python3", 4711, "web1", "Linux-6.1.0-x86_64", 1000)
    assert repr(info) == (
        "Info(protocol=1, python_version=(3, 9, 2), executable='/usr/bin/python3', pid=4711, "
        "hostname='web1', platform='Linux-6.1.0-x86_64', uid=1000)"
    )


def test_marker_is_nothing_that_a_login_script_prints() -> None:
    assert MARKER[0] == MARKER[-1] == 0
