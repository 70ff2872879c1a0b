"""The payload holds the manifest, in the format that stage0 reads, within its budget."""

import zlib

import pytest

from remotesvc.bootstrap import manifest, payload
from remotesvc.bootstrap.blank import blank
from remotesvc.bootstrap.payload import Module
from tests.architecture.tree import MODULES, ROOT, module_level_imports


def unpack(data: bytes) -> tuple[str, list[tuple[str, str, str]]]:
    """Read a payload as the child does: the program, then three fields per module."""
    program, words, text = zlib.decompress(data).decode("utf-8").split("\0", 2)
    for word in words.split(" "):
        text = text.replace(word[:1], word[1:])
    fields = text.split("\0")
    return program, list(zip(fields[::3], fields[1::3], fields[2::3], strict=True))


def test_pack_keeps_program_names_paths_sources_and_their_order() -> None:
    modules = {
        "b": Module(True, "b/__init__.py", ""),
        "b.a": Module(False, "b/a.py", "x='é'\n"),
        "a": Module(False, "a.py", "y=1"),
    }

    assert unpack(payload.pack("import b", modules)) == (
        "import b",
        [
            ("b", "b/__init__.py", ""),
            ("b.a", "b/a.py", "x='é'\n"),
            ("a", "a.py", "y=1"),
        ],
    )


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(Module(True, "a.py", ""), id="package with the path of a module"),
        pytest.param(Module(False, "a/__init__.py", ""), id="module with the path of a package"),
    ],
)
def test_path_that_belies_the_kind_of_module_is_refused(module: Module) -> None:
    with pytest.raises(ValueError, match="module a"):
        payload.pack("", {"a": module})


def test_nul_inside_a_field_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        payload.pack("", {"a": Module(False, "a.py", "x='\0'")})


def test_words_are_one_character_each_and_come_back_whole() -> None:
    source = "\n\n\ndef f(self):\n\treturn self.x + '$' + '\x01'\n"
    modules = {"a": Module(False, "a.py", source)}

    packed = payload.pack("import a", modules, ("self", "return", "\n\n\ndef", "never"))

    assert unpack(packed) == ("import a", [("a", "a.py", source)])
    assert b"self" not in zlib.decompress(packed).split(b"\0", 2)[2]


def test_more_words_than_free_characters_are_refused() -> None:
    every = "".join(map(chr, range(1, 127)))
    with pytest.raises(ValueError, match="2 words, and only 1 characters are free"):
        payload.pack("", {"a": Module(False, "a.py", every)}, ("one", "two"))


def test_words_of_the_manifest_make_the_payload_shorter() -> None:
    modules = {
        name: module._replace(source=blank(module.source))
        for name, module in payload.read_modules().items()
    }
    program, _ = unpack(payload.build())

    assert len(payload.pack(program, modules, manifest.WORDS)) == len(payload.build())
    assert len(payload.pack(program, modules)) > len(payload.build()) + 500


def test_payload_begins_with_the_program_that_unpacks_it() -> None:
    program, _ = unpack(payload.build())

    assert program == blank((ROOT / "bootstrap" / "unpack.py").read_text("utf-8"))


def test_payload_holds_the_blanked_manifest_in_order() -> None:
    _, sent = unpack(payload.build())

    assert [name for name, _, _ in sent] == list(manifest.MODULES)
    for name, path, source in sent:
        original = payload.read_modules([name])[name]
        assert source == blank(original.source)
        assert path == original.path


def test_paths_in_the_payload_fit_the_installed_tree() -> None:
    for name, path, _ in unpack(payload.build())[1]:
        assert path in (name.replace(".", "/") + ".py", name.replace(".", "/") + "/__init__.py")


def test_packages_come_before_their_modules() -> None:
    seen: set[str] = set()
    for name in manifest.MODULES:
        parent = name.rpartition(".")[0]
        assert not parent or parent in seen, f"{name} is listed before {parent}"
        seen.add(name)


def test_no_module_is_listed_twice() -> None:
    assert len(set(manifest.MODULES)) == len(manifest.MODULES)


def test_whatever_a_listed_module_imports_at_its_top_is_listed() -> None:
    missing = {
        f"{name} imports {target}"
        for name in manifest.MODULES
        for target in module_level_imports(name)
        if target in MODULES and target not in manifest.MODULES
    }

    assert not missing


def test_payload_is_made_once_per_process() -> None:
    assert payload.build() is payload.build()


def test_payload_alone_keeps_the_limit() -> None:
    assert len(payload.build()) <= manifest.LIMIT, "\n" + payload.report()


def test_goal_is_below_the_limit() -> None:
    assert manifest.GOAL < manifest.LIMIT


def test_module_that_is_not_installed_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"remotesvc\.core\.absent"):
        payload.read_modules(["remotesvc.core.absent"])


def test_module_without_source_is_named() -> None:
    with pytest.raises(ImportError, match="module sys is installed without source"):
        payload.read_modules(["sys"])


def test_report_shows_every_module_and_the_budget() -> None:
    report = payload.report()

    for name in manifest.MODULES:
        assert f"{name} " in report
    assert f"goal {manifest.GOAL}" in report
    assert f"limit {manifest.LIMIT}" in report
