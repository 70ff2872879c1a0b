"""Which modules a host may have: the table of decisions."""

import pytest

from remotesvc.controller.modules.grants import (
    Grants,
    ModulePolicy,
    decide,
    is_toolkit,
    roots_of,
)

DEMO = "remotesvc.testing.demo_app"


@pytest.mark.parametrize(
    ("name", "roots", "allow", "deny", "allowed"),
    [
        # granted roots
        ("app", ["app"], [], [], True),
        ("app.a.b", ["app"], [], [], True),
        ("application", ["app"], [], [], False),
        ("other", ["app"], [], [], False),
        ("app", [], [], [], False),
        ("__main__", ["__main__"], [], [], True),
        ("__main__", ["app"], [], [], False),
        # dotted roots: what is below, and the packages above but not their other modules
        ("app.tools.x", ["app.tools"], [], [], True),
        ("app", ["app.tools"], [], [], True),
        ("app.other", ["app.tools"], [], [], False),
        # allow
        ("extra", [], ["extra"], [], True),
        ("extra.deep", [], ["extra"], [], True),
        ("extra", [], ["extra.deep"], [], True),
        ("extra.other", [], ["extra.deep"], [], False),
        ("extras", [], ["extra"], [], False),
        # deny wins over both
        ("app.secrets", ["app"], [], ["app.secrets"], False),
        ("app.secrets.key", ["app"], [], ["app.secrets"], False),
        ("app.secretary", ["app"], [], ["app.secrets"], True),
        ("app", ["app"], [], ["app.secrets"], True),
        ("app", ["app"], ["app"], ["app"], False),
        ("app.x", [], ["app.x"], ["app"], False),
        ("app.x.y", [], ["app.x"], ["app.x.y"], False),
        # remotesvc: what children run, always; the rest only by a dotted root or allow
        ("remotesvc", [], [], [], True),
        ("remotesvc.core.wire", [], [], ["remotesvc"], True),
        ("remotesvc.bootstrap", [], [], [], True),
        ("remotesvc.bootstrap.child", [], [], [], True),
        ("remotesvc.connect.sudo", [], [], [], True),
        ("remotesvc.router", [], [], [], True),
        ("remotesvc.controller", ["remotesvc"], [], [], False),
        ("remotesvc.controller.ssh", ["app"], [], [], False),
        ("remotesvc.cli.main", ["remotesvc"], [], [], False),
        ("remotesvc.testing", ["remotesvc"], [], [], False),
        (DEMO, [DEMO], [], [], True),
        (f"{DEMO}.health", [DEMO], [], [], True),
        ("remotesvc.testing", [DEMO], [], [], True),
        ("remotesvc.testing.sshd", [DEMO], [], [], False),
        (f"{DEMO}.health", [DEMO], [], [DEMO], False),
        ("remotesvc.testing.links", [], ["remotesvc.testing"], [], True),
        ("remotesvcs.core", [], [], [], False),
    ],
)
def test_decision(
    name: str, roots: list[str], allow: list[str], deny: list[str], allowed: bool
) -> None:
    policy = ModulePolicy(allow=allow, deny=deny)

    assert decide(name, frozenset(roots), policy).allowed is allowed
    assert Grants(frozenset(roots), policy).decide(name).allowed is allowed


@pytest.mark.parametrize(
    ("package", "relative", "allowed"),
    [
        ("app", "", True),
        ("app", "data/logo.png", True),
        ("app", "secrets.py", False),
        ("app", "secrets.cpython-311.pyc", False),
        ("app", "secrets", False),
        ("app", "secrets/key.pem", False),
        ("app", "data/secrets.txt", True),
        ("app.secrets", "key.pem", False),
        ("other", "x.txt", False),
    ],
)
def test_data_files_are_no_way_around_deny(package: str, relative: str, allowed: bool) -> None:
    grants = Grants(frozenset({"app"}), ModulePolicy(deny=["app.secrets"]))

    assert grants.decide_resource(package, relative).allowed is allowed


def test_data_beside_a_granted_subpackage_is_not_granted() -> None:
    grants = Grants(frozenset({"app.tools"}))

    assert not grants.decide_resource("app", "passwords.txt").allowed
    assert grants.decide_resource("app", "tools/logo.png").allowed


def test_refusal_names_the_way_out() -> None:
    verdict = decide("numbers_lib.core", frozenset(), ModulePolicy())

    assert verdict.reason == (
        "module 'numbers_lib.core' was not granted to this host: it is not imported by anything "
        "sent to it; allow it with Router(modules=ModulePolicy(allow=['numbers_lib']))"
    )


def test_denial_quotes_the_rule() -> None:
    verdict = decide("app.secrets.key", frozenset({"app"}), ModulePolicy(deny=["app.secrets"]))

    assert "ModulePolicy(deny=['app.secrets'])" in verdict.reason


def test_refusal_of_the_controllers_own_parts_offers_no_allow() -> None:
    verdict = decide("remotesvc.controller.ssh", frozenset(), ModulePolicy())

    assert verdict.reason.endswith("runs only where the program starts, not on hosts")


def test_grants_grow_by_making_new_ones() -> None:
    before = Grants(frozenset({"app"}), ModulePolicy(deny=["vault"]))

    after = before.plus(["vault", "tools"])

    assert before.roots == {"app"}
    assert after.roots == {"app", "vault", "tools"}
    assert not after.decide("vault").allowed


@pytest.mark.parametrize(
    ("sent", "imported", "expected"),
    [
        (["app.x.y"], ["os", "json.decoder", "third.a", "app"], {"app", "third"}),
        (["__main__"], [], {"__main__"}),
        (["json"], [], set()),
        ([f"{DEMO}.health"], ["remotesvc", "remotesvc.testing.sshd"], {DEMO}),
        (["remotesvc.core.wire"], [], set()),
    ],
)
def test_roots(sent: list[str], imported: list[str], expected: set[str]) -> None:
    assert roots_of(sent, imported) == expected


@pytest.mark.parametrize("pattern", ["app.*", "*", "", "app.", "my-app", "app x"])
def test_pattern_that_is_no_module_name_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="there are no wildcards"):
        ModulePolicy(allow=[pattern])
    with pytest.raises(ValueError, match="deny="):
        ModulePolicy(deny=[pattern])


def test_single_text_instead_of_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match=r"write \['app'\]"):
        ModulePolicy(allow="app")


def test_policy_cannot_be_changed_through_the_list_it_was_made_from() -> None:
    denied = ["app"]
    policy = ModulePolicy(deny=denied)

    denied.clear()

    assert policy.deny == ("app",)
    assert hash(policy) == hash(ModulePolicy(deny=["app"]))


@pytest.mark.parametrize("relative", [".env", ".git/config", "data/.netrc", ".aws/", "../x"])
def test_hidden_files_beside_the_code_are_not_given(relative: str) -> None:
    grants = Grants(frozenset({"app"}))

    verdict = grants.decide_resource("app", relative)

    assert not verdict.allowed and "hidden" in verdict.reason
    assert grants.decide_resource("app", "data/env.txt").allowed


def test_toolkit_is_told_by_whole_names() -> None:
    assert is_toolkit("remotesvc.core")
    assert is_toolkit("remotesvc.service.pool")
    assert not is_toolkit("remotesvc.corelib")
    assert not is_toolkit("remotesvc.bootstrap.payload")
