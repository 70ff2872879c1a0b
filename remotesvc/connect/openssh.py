"""The openssh connector: the system's ssh, so all of ssh_config, agents and hardware keys work.

Options given here go on its command line; what is left out, ssh_config says. It is in BatchMode
unless something may have to be typed. Payload is written at once: ssh asks elsewhere.
"""

import re
import subprocess

from ..bootstrap.command import candidates, shell_command
from ..bootstrap.seed import get_payload
from ..core.errors import ConnectError
from .askpass import Askpass, is_possible
from .base import Connection, last_words
from .command import explainer, find_program, open_stream
from .process import ProcessStream
from .prompts import Dialogue, Prompt
from .sshwords import CLUES, options_argv, split_destination
from .terminal import Terminal
from .typist import Typist, hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence, Union

    from ..bootstrap.command import PythonPath
    from ..core.secret import Secret
    from ..types import Opener
    from .base import Attempt
    from .typist import Prompts

__all__ = ["TARGET", "argv", "connect"]

TARGET = "host"

# Not for us: a tunnel of the configuration would be opened by each of several connections.
FIXED = ("-T", "-x", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none")

# A password is sent once; who refuses it is not asked again by ssh itself.
TYPING = ("-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1")

# What ssh itself ends with; anything else is the status of the command.
OWN_STATUS = 255


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
) -> "Connection":
    """Log in by ssh and start a child there; whether it worked, the first call tells."""
    names = candidates(python_path)
    secret, phrase = hide(password), hide(passphrase)
    may_ask = secret is not None or phrase is not None or prompts is not None
    options = options_argv(
        username=username,
        port=port,
        config_file=config_file,
        identity_file=identity_file,
        has_password=secret is not None,
        known_hosts=known_hosts,
        host_key_policy=host_key_policy,
        jump=jump,
        compression=compression,
        keepalive=keepalive,
    )
    find_program(attempt, [program])
    payload = get_payload()
    command = shell_command(python_path, len(payload))
    words = argv(command, host, options, may_ask, program, args)
    if not may_ask:
        stream = open_stream(attempt, program, lambda: ProcessStream(router.loop, words))
        return _connection(router, stream, context_id, attempt, payload, names)
    facts = _facts(attempt, [*words[:1], "-G", *words[1:-1]])
    expected = [_password_prompt(facts, secret), _passphrase_prompt(phrase)]
    dialogue = Dialogue(expected, prompts is not None)
    desk = Askpass(router.loop) if is_possible() else Terminal(router.loop, attempt)
    try:
        stream = _start(router, attempt, words, desk)
    except BaseException:
        desk.close()
        raise
    typist = Typist(router, attempt.where, dialogue, prompts, desk.type)
    connection = _connection(router, stream, context_id, attempt, payload, names)
    typist.fail = connection.link.end
    if isinstance(desk, Askpass):
        desk.on_question = typist.hear
    else:
        desk.on_text = typist.read
    desk.start()
    return connection


def _start(
    router: "Opener", attempt: "Attempt", words: "List[str]", desk: "Union[Askpass, Terminal]"
) -> "ProcessStream":
    """Start ssh where it asks at the desk."""
    env = None
    if isinstance(desk, Askpass):
        env = desk.env
    else:
        words = desk.argv(words, is_stdin=False)
    return open_stream(attempt, words[0], lambda: ProcessStream(router.loop, words, env, desk))


def _connection(
    router: "Opener",
    stream: "ProcessStream",
    context_id: "int",
    attempt: "Attempt",
    payload: "bytes",
    names: "Sequence[str]",
) -> "Connection":
    explain = explainer("ssh", CLUES)

    def explain_ssh(
        where: "str", exit_status: "Optional[int]", stderr: "str"
    ) -> "Optional[ConnectError]":
        if exit_status != OWN_STATUS:
            return None  # that of the command
        said = last_words(stderr.replace("\r", ""))
        text = "%s: ssh did not connect%s" % (where, said)
        default = ConnectError(text, None, None, exit_status, stderr)
        return explain(where, exit_status, stderr) or default

    return Connection(router, stream, context_id, attempt, payload, names, explain_ssh)


# -- what it asks --------------------------------------------------------------------------------


def _facts(attempt: "Attempt", words: "Sequence[str]") -> "Dict[str, str]":
    """Return what the configuration makes of the host, as `ssh -G` tells."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max(0.1, attempt.left),
        )
    except subprocess.TimeoutExpired:
        raise attempt.timed_out("resolve", "ssh -G did not answer") from None
    lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def _password_prompt(facts: "Dict[str, str]", secret: "Optional[Secret]") -> "Prompt":
    """Return the prompt of the host itself: those of hosts on the way look alike."""
    user, host = facts.get("user", ""), facts.get("hostkeyalias") or facts.get("hostname", "")
    place = re.escape("%s@%s" % (user, host))
    pattern = r"%s's password: |\(%s\) [Pp]assword: ?" % (place, place)
    if not {"proxyjump", "proxycommand"} & set(facts):
        pattern += r"|[Pp]assword: ?"  # keyboard-interactive, before 8.5
    return Prompt(pattern, secret, "password of %s@%s" % (user, host))


def _passphrase_prompt(secret: "Optional[Secret]") -> "Prompt":
    pattern = r"Enter passphrase for (key )?[^\n]*: "
    return Prompt(pattern, secret, "passphrase of the key", "passphrase")
