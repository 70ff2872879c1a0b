"""SSH servers, a latency proxy and a demo application for tests, demos and users' own suites.

Nothing is imported here: a host that runs `demo_app` loads this file too, with any Python from
3.6 up and without paramiko. Take what you need from `remotesvc.testing.server`, `.proxy` …
"""

__all__ = []  # type: list[str]
