"""What the embedded server is told when it starts, as a file in its folder.

Only this file knows the format. It may hold a password: the folder is its owner's alone.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from remotesvc.testing.options import ServerOptions

__all__ = ["EmbeddedSettings", "load", "save"]

FILE_NAME = "embedded.json"


@dataclass(frozen=True)
class EmbeddedSettings:
    """The part of ServerOptions that the embedded server acts on, and where it listens."""

    folder: Path
    port: int
    banner: str
    users: tuple[str, ...]
    host_key_files: tuple[Path, ...]
    environment: tuple[tuple[str, str], ...]
    shell: str | None
    password: str | None = field(repr=False)
    interactive: tuple[tuple[str, str], ...] = field(repr=False)


def save(folder: Path, port: int, banner: str, options: ServerOptions) -> None:
    """Write the settings into the folder."""
    path = folder / FILE_NAME
    path.touch(mode=0o600)
    content = {
        "port": port,
        "banner": banner,
        "users": options.accounts(),
        "host_keys": [f"host_{key_type}" for key_type in options.host_key_types],
        "environment": options.environment,
        "shell": options.shell,
        "password": options.password,
        "interactive": options.interactive,
    }
    path.write_text(json.dumps(content))


def load(folder: Path) -> EmbeddedSettings:
    """Read what `save` has written."""
    content = json.loads((folder / FILE_NAME).read_text())
    return EmbeddedSettings(
        folder=folder,
        port=content["port"],
        banner=content["banner"],
        users=tuple(content["users"]),
        host_key_files=tuple(folder / name for name in content["host_keys"]),
        environment=tuple((name, value) for name, value in content["environment"]),
        shell=content["shell"],
        password=content["password"],
        interactive=tuple((prompt, answer) for prompt, answer in content["interactive"]),
    )
