"""Who starts the service framework of a child: the pure rule."""

from remotesvc.core.services import refuse_start


def test_only_a_parent_starts_the_framework() -> None:
    assert refuse_start(True, 3) is None
    assert refuse_start(False, 3) == (
        "no services are started in context 3; the first call of a parent starts them"
    )
