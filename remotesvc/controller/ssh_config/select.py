"""Selects the lines of ssh_config files that apply to one host, and knows its own limits.

Host, Include, and Match by all, host, originalhost, user and localuser are decided here, by
comparing text. What runs a command, asks the network or came with a later OpenSSH is not
guessed at: `line_for_openssh` names the first such line, and the caller asks ssh itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from remotesvc.controller.ssh_config.lines import ConfigFile, ConfigLine, walk_lines
from remotesvc.controller.ssh_config.patterns import is_match_in_list

__all__ = ["Viewpoint", "is_known_keyword", "line_for_openssh", "select_lines"]

_OWN_CRITERIA = frozenset({"all", "host", "localuser", "originalhost", "user"})
_WITHOUT_ARGUMENT = frozenset({"all", "canonical", "final"})

# Every keyword of ssh_config(5), then those that OpenSSH and its Debian build accept from
# older files. An unknown one is no error here: a newer ssh may know it, and is asked.
_KEYWORDS = frozenset(
    """
    addkeystoagent addressfamily batchmode bindaddress bindinterface canonicaldomains
    canonicalizefallbacklocal canonicalizehostname canonicalizemaxdots
    canonicalizepermittedcnames casignaturealgorithms certificatefile channeltimeout checkhostip
    ciphers clearallforwardings compression connectionattempts connecttimeout controlmaster
    controlpath controlpersist dynamicforward enableescapecommandline enablesshkeysign
    escapechar exitonforwardfailure fingerprinthash forkafterauthentication forwardagent
    forwardx11 forwardx11timeout forwardx11trusted gatewayports globalknownhostsfile
    gssapiauthentication gssapidelegatecredentials hashknownhosts host
    hostbasedacceptedalgorithms hostbasedauthentication hostkeyalgorithms hostkeyalias hostname
    identitiesonly identityagent identityfile ignoreunknown include ipqos
    kbdinteractiveauthentication kbdinteractivedevices kexalgorithms knownhostscommand
    localcommand localforward loglevel logverbose macs match nohostauthenticationforlocalhost
    numberofpasswordprompts obscurekeystroketiming passwordauthentication permitlocalcommand
    permitremoteopen pkcs11provider port preferredauthentications proxycommand proxyjump
    proxyusefdpass pubkeyacceptedalgorithms pubkeyauthentication rekeylimit remotecommand
    remoteforward requesttty requiredrsasize revokedhostkeys securitykeyprovider sendenv
    serveralivecountmax serveraliveinterval sessiontype setenv stdinnull streamlocalbindmask
    streamlocalbindunlink stricthostkeychecking syslogfacility tag tcpkeepalive tunnel
    tunneldevice updatehostkeys user userknownhostsfile verifyhostkeydns visualhostkey
    warnweakcrypto xauthlocation

    afstokenpassing cipher compressionlevel fallbacktorsh globalknownhostsfile2
    gssapiclientidentity gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey
    gssapiserveridentity gssapitrustdns kerberosauthentication kerberostgtpassing protocol
    protocolkeepalives rhostsauthentication rhostsrsaauthentication rsaauthentication
    setuptimeout smartcarddevice useblacklistedkeys useprivilegedport userknownhostsfile2
    useroaming usersh
    """.split()  # noqa: SIM905 - a hundred names, one per line, hide the file
)


@dataclass(frozen=True)
class Viewpoint:
    """Who asks for which host: what Host and Match lines are compared with."""

    host: str
    user: str | None
    local_user: str


@dataclass(frozen=True)
class _Criterion:
    """One condition of a Match line."""

    name: str
    is_negated: bool
    patterns: tuple[str, ...]


def is_known_keyword(keyword: str) -> bool:
    """Say whether OpenSSH has a directive of that name (lower case)."""
    return keyword in _KEYWORDS


def line_for_openssh(files: Iterable[ConfigFile]) -> ConfigLine | None:
    """Return the first line whose meaning only OpenSSH can tell, None when there is none.

    It does not matter whether the line applies to the host: that may be what it decides.
    Raises ConnectError for a Match line that is wrong in itself.
    """
    ignored: tuple[str, ...] = ()
    for line in walk_lines(files):
        if line.keyword == "ignoreunknown":
            ignored = ignored or tuple(",".join(line.words).lower().split(","))
        elif _is_for_openssh(line, ignored):
            return line
    return None


def _is_for_openssh(line: ConfigLine, ignored: tuple[str, ...]) -> bool:
    if line.keyword == "match":
        return any(criterion.name not in _OWN_CRITERIA for criterion in _criteria(line))
    if line.keyword == "canonicalizehostname":
        return line.words[0].lower() not in ("no", "false")
    if line.keyword == "include":
        return any("%" in word or "${" in word for word in line.words)
    return not is_known_keyword(line.keyword) and not is_match_in_list(line.keyword, ignored)


def select_lines(files: Iterable[ConfigFile], viewpoint: Viewpoint) -> tuple[ConfigLine, ...]:
    """Return the lines that apply, in the order of reading; of each keyword the first counts.

    Call it only when `line_for_openssh` found nothing.
    """
    selection = _Selection(viewpoint)
    for file in files:
        selection.add_file(file, True)
    return tuple(selection.lines)


class _Selection:
    """The lines chosen so far: a Match line is compared with what they say by then."""

    def __init__(self, viewpoint: Viewpoint) -> None:
        self.lines: list[ConfigLine] = []
        self._viewpoint = viewpoint

    def add_file(self, file: ConfigFile, is_active_around: bool) -> None:
        is_active = is_active_around
        for line in file.lines:
            if line.keyword == "host":
                is_active = is_active_around and self._is_for_host(line)
            elif line.keyword == "match":
                is_active = is_active_around and self._is_match(line)
            elif line.keyword == "include":
                for included in line.included:
                    self.add_file(included, is_active)
            elif is_active:
                self.lines.append(line)

    def _is_for_host(self, line: ConfigLine) -> bool:
        # The name as it was typed; of all comparisons only this one minds upper case.
        return is_match_in_list(self._viewpoint.host, line.words)

    def _is_match(self, line: ConfigLine) -> bool:
        return all(self._holds(criterion) for criterion in _criteria(line))

    def _holds(self, criterion: _Criterion) -> bool:
        if criterion.name == "all":
            return not criterion.is_negated
        patterns = criterion.patterns
        if criterion.name in ("host", "originalhost"):
            patterns = tuple(pattern.lower() for pattern in patterns)
        held = is_match_in_list(self._subject(criterion.name), patterns)
        return held != criterion.is_negated

    def _subject(self, name: str) -> str:
        if name == "localuser":
            return self._viewpoint.local_user
        if name == "user":
            default = self._first("user", self._viewpoint.local_user)
            return self._viewpoint.user or default
        host = self._viewpoint.host
        if name == "host":
            host = self._first("hostname", host).replace("%h", host).replace("%%", "%")
        return host.lower()

    def _first(self, keyword: str, default: str) -> str:
        return next((line.words[0] for line in self.lines if line.keyword == keyword), default)


def _criteria(line: ConfigLine) -> tuple[_Criterion, ...]:
    words = list(line.words)
    criteria: list[_Criterion] = []
    while words:
        name, equals, argument = words.pop(0).partition("=")
        is_negated = name.startswith("!")
        name = name.removeprefix("!").lower()
        if name not in _WITHOUT_ARGUMENT and not equals:
            if not words:
                raise line.problem(f"Match {name} has nothing to compare with")
            argument = words.pop(0)
        criteria.append(_Criterion(name, is_negated, tuple(argument.split(","))))
    names = {criterion.name for criterion in criteria}
    if "all" in names and not names <= _WITHOUT_ARGUMENT:
        raise line.problem("Match all cannot stand beside other conditions")
    return tuple(criteria)
