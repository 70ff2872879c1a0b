"""The list of services for people, also where a host tells nonsense."""

from typing import Any

import pytest

from remotesvc.cli.catalog_text import show_catalog

METHOD: dict[str, Any] = {
    "name": "tail",
    "arguments": [["path", "str", ""], ["lines", "", "10"], ["rest", "", ""]],
    "policies": ["AllowParents", "Office(9, 17)"],
    "is_stream": True,
    "is_no_reply": True,
    "doc": "Return it.\n\nMore.",
}

SERVICE: dict[str, Any] = {
    "name": "app.Logs",
    "invoker": "Invoker",
    "calls": 1234,
    "errors": 1,
    "waiting": 0,
    "methods": [METHOD],
}


def test_service_is_a_line_with_its_methods_below() -> None:
    assert show_catalog([SERVICE]).text == (
        "app.Logs (Invoker): 1,234 calls, 1 error, 0 waiting\n"
        "  tail(path: str, lines=10, rest): yields, no reply, AllowParents and Office(9, 17)\n"
        "      Return it."
    )


def test_nothing_active_is_a_note_and_no_result() -> None:
    shown = show_catalog([])

    assert shown.text is None
    assert shown.note is not None and shown.note.startswith("no service is active")


def test_service_without_methods_is_one_line() -> None:
    text = show_catalog([{**SERVICE, "methods": []}]).text

    assert text == "app.Logs (Invoker): 1,234 calls, 1 error, 0 waiting"


def test_text_of_a_host_drives_no_terminal_and_makes_no_lines() -> None:
    text = show_catalog([{**SERVICE, "name": "a\nb\x1b[2J", "methods": []}]).text

    assert text == "a\\x0ab\\x1b[2J (Invoker): 1,234 calls, 1 error, 0 waiting"


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "app.Logs",
        [5],
        [{}],
        [{**SERVICE, "calls": True}],
        [{**SERVICE, "methods": None}],
        [{**SERVICE, "methods": [{**METHOD, "arguments": [["path"]]}]}],
        [{**SERVICE, "methods": [{**METHOD, "policies": [b""]}]}],
    ],
)
def test_what_is_no_list_of_services_is_shown_as_any_result(value: object) -> None:
    shown = show_catalog(value)

    assert shown.note is None
    assert shown.text == (value if isinstance(value, str) else None) or repr(value)[:8] in str(
        shown.text
    )
