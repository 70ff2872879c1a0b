"""A service here that gives files to hosts, and one on a host that answers only to us.

    python file_service.py                # two children on this machine
    python file_service.py web1 web2      # hosts, by any name that `ssh` knows

What a host runs of this is written for Python 3.6 and up, as its Python may be older than ours.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator

import remotesvc
from remotesvc.service import AllowAny, AllowParents, Pool, Service, expose

BLOCK = 256 * 1024


class FileService(Service):
    """Gives away the files that it was told of."""

    def __init__(self, router, paths=()):
        super().__init__(router)
        self._paths = frozenset(paths)

    # The hosts are no parents of ours, so AllowAny it is; what any of them may have is the list.
    # A path has to stand there letter by letter: there is no way around it by ".." or a link.
    @expose(policy=AllowAny())
    def read(self, path: str) -> "Iterator[bytes]":
        """Yield a file block by block, as fast as the other side takes it."""
        if path not in self._paths:
            raise PermissionError(f"{path} is not given away")
        with open(path, "rb") as file:
            yield from iter(lambda: file.read(BLOCK), b"")


class Status(Service):
    """Runs on a host and tells its parents, and nobody else, how it is."""

    @expose(policy=AllowParents())
    def load(self) -> float:
        """Return how many processes wanted to run in the last minute."""
        return os.getloadavg()[0]


def download(source, paths):
    """Fetch files from the FileService of `source`; return their sizes (runs on a host)."""
    files = source.service(FileService)
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            copy = os.path.join(folder, os.path.basename(path))
            with open(copy, "wb") as file:
                for block in files.read(path):
                    file.write(block)
            sizes[path] = os.path.getsize(copy)
    return sizes


def ask_for_load(other):
    """Ask another host how it is; return what it says (runs on a host)."""
    try:
        return f"a load of {other.service(Status).load():.2f}"
    except remotesvc.RefusedError as error:
        return str(error)


def connect(router, hosts, config_file):
    """Return two contexts or more."""
    if not hosts:
        return [router.local(name="child-1"), router.local(name="child-2")]
    hosts = hosts * 2 if len(hosts) == 1 else hosts
    return [router.ssh(host, config_file=config_file) for host in hosts]


# siblings=True lets hosts ask each other; without it the question would not even be sent.
@remotesvc.main(siblings=True)
def main(router):
    """Show it, one line for each step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hosts", nargs="*", help="names that ssh knows; none: this machine")
    parser.add_argument("-F", dest="config_file", help="an ssh_config instead of your own")
    options = parser.parse_args()
    first, *others = connect(router, options.hosts, options.config_file)

    files = ["/etc/hosts", os.path.abspath(__file__)]
    with Pool(router, services=[FileService(router, files)]):
        for path, size in first.call(download, router.myself, files).items():
            print(f"{first.name} has fetched {path}, {size} bytes")
        try:
            first.call(download, router.myself, ["/etc/passwd"])
        except PermissionError as error:
            print(f"{first.name} may not have another: {error.message}")

    print(f"{first.name} tells us that its load is {first.service(Status).load():.2f}")
    for other in others:
        print(f"{other.name} asks the same and hears: {other.call(ask_for_load, first)}")
