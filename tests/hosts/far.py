"""What runs on the hosts of these tests, in any Python from 3.6 on."""

__all__ = ["has_way_out"]


def has_way_out():  # type: ignore[no-untyped-def]
    """Tell whether this host knows a way to hosts that are no neighbours."""
    with open("/proc/net/route") as table:
        return any(line.split()[1] == "00000000" for line in table)
