"""The openssh connector: the system's ssh, so all of ssh_config, agents and hardware keys work.

Options given here go on its command line; what is left out, ssh_config says. It is in BatchMode
unless something may have to be typed. Payload is written at once: ssh asks elsewhere.
"""

from functools import partial

from ..bootstrap.command import candidates, shell_command
from ..bootstrap.seed import get_payload
from ..core.errors import ConnectError
from .base import Connection, last_words
from .command import explainer, find_program, open_stream
from .patient import PatientStream
from .process import ProcessStream
from .retry import FINAL
from .sshwords import CLUES, failure_of, options_argv, split_destination
from .tries import Tries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Sequence, Union

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .asker import Asker
    from .base import Attempt
    from .typist import Prompts

__all__ = ["TARGET", "argv", "connect", "words_ahead"]

TARGET = "host"

# Not for us: a tunnel of the configuration would be opened by each of several connections.
FIXED = ("-T", "-x", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none")

# A password is sent once; who refuses it is not asked again by ssh itself.
TYPING = ("-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1")

# With a master of its configuration, ssh shares connections by itself.
NOT_SHARED = ["-o", "ControlPath=none"]

# A try that nobody answers has to end before its deadline, which ends everything.
SHARE_OF_TCP = 0.8

# With one of these it may ask for something.
ASKING = ("password", "passphrase", "prompts")

# What may begin with a ~ that each host reads in its own way.
PATHS = ("config_file", "identity_file", "known_hosts")

# What ssh itself ends with; anything else is the status of the command.
OWN_STATUS = 255

_explain_clue = explainer("ssh", CLUES)


def argv(
    command: "str",
    host: "str",
    options: "Sequence[str]" = (),
    may_ask: "bool" = False,
    program: "str" = "ssh",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how ssh is called."""
    asking = TYPING if may_ask else ("-o", "BatchMode=yes")
    name, place = split_destination(host)
    # Of an option that is given twice, ssh takes the first.
    return [program, *args, *FIXED, *asking, *options, *place, "--", name, command]


def connect(  # long: one keyword for each option of ssh()
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    host: "str",
    username: "Optional[str]" = None,
    port: "Optional[int]" = None,
    password: "Optional[str]" = None,
    identity_file: "Union[str, Sequence[str], None]" = None,
    passphrase: "Optional[str]" = None,
    known_hosts: "Union[str, Sequence[str], None]" = None,
    host_key_policy: "Optional[str]" = None,
    config_file: "Optional[str]" = None,
    jump: "Union[str, Sequence[str], None]" = None,
    compression: "Optional[bool]" = None,
    keepalive: "Optional[int]" = None,
    prompts: "Optional[Prompts]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "ssh",
    args: "Sequence[str]" = (),
    share: "bool" = True,
    retries: "int" = 0,
) -> "Connection":
    """Log in by ssh and start a child there; whether it worked, the first call tells."""
    names = candidates(python_path)
    may_ask = password is not None or passphrase is not None or prompts is not None
    find_program(attempt, [program])
    payload = get_payload()
    words = _words(
        attempt.timeout,
        len(payload),
        host,
        may_ask,
        python_path,
        program,
        args,
        share,
        retries,
        username=username,
        port=port,
        config_file=config_file,
        identity_file=identity_file,
        has_password=password is not None,
        known_hosts=known_hosts,
        host_key_policy=host_key_policy,
        jump=jump,
        compression=compression,
        keepalive=keepalive,
    )
    attempt.note("resolve", "started %s, which reads ssh_config" % " ".join(words[:-1]))
    asker: "Optional[Asker]" = None
    if may_ask:
        from .asker import Asker

        asker = Asker(router, attempt, words, password, passphrase, prompts)
    begin = partial(_begin, router, attempt, words) if asker is None else asker.begin
    tries = Tries(attempt, retries)
    stream = PatientStream(router, begin, partial(_judge, asker), tries)
    explain = partial(_explain, tries)
    connection = Connection(router, stream, context_id, attempt, payload, names, explain)
    if asker is not None:
        asker.fail = connection.link.end
    stream.begin()
    return connection


def words_ahead(
    timeout: "float", payload_size: "int", host: "str", **opts: "Any"
) -> "Optional[List[str]]":
    """Return the words that connect() will start with these options on any host. Pure.

    None where it asks for something, or where only that host knows which file is meant.
    """
    if any(opts.pop(option, None) is not None for option in ASKING):
        return None
    paths = [opts.get(option) for option in PATHS]
    if "~" in repr(paths):
        return None
    return _words(timeout, payload_size, host, False, **opts)


def _words(
    timeout: "float",
    payload_size: "int",
    host: "str",
    may_ask: "bool",
    python_path: "PythonPath" = None,
    program: "str" = "ssh",
    args: "Sequence[str]" = (),
    share: "bool" = True,
    retries: "int" = 0,
    **named: "Any",
) -> "List[str]":
    """Return how ssh is called; `named` are options of its own (sshwords.py)."""
    options = options_argv(**named)
    if not share:
        options += NOT_SHARED
    if retries:
        options += ["-o", "ConnectTimeout=%d" % max(1, int(timeout * SHARE_OF_TCP))]
    command = shell_command(python_path, payload_size)
    return argv(command, host, options, may_ask, program, args)


def _begin(router: "Opener", attempt: "Attempt", words: "List[str]") -> "ProcessStream":
    """Start ssh where it asks for nothing, unless that was done ahead."""
    started = None if attempt.ahead is None else attempt.ahead.take(words)
    return started or open_stream(attempt, words[0], lambda: ProcessStream(router.loop, words))


def _judge(asker: "Optional[Asker]", exit_status: "Optional[int]", stderr: "str") -> "str":
    """Return the kind of a failure; whoever was asked for something is not asked again."""
    if exit_status != OWN_STATUS or (asker is not None and asker.was_asked):
        return FINAL
    return failure_of(stderr)


def _explain(
    tries: "Tries", where: "str", exit_status: "Optional[int]", stderr: "str"
) -> "Optional[ConnectError]":
    if exit_status != OWN_STATUS:
        return None  # that of the command
    said = last_words(stderr.replace("\r", ""))
    text = "%s: ssh did not connect%s" % (where, said)
    default = ConnectError(text, None, None, exit_status, stderr)
    return tries.told(_explain_clue(where, exit_status, stderr) or default)
