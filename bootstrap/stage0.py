"""The program on the command line: read the payload from descriptor 0 and run what it begins with.

Valid from Python 2.7 on, so that an old interpreter can hand over to the next candidate before a
byte is read. Sent with `~` for newlines (command.py), so it holds no `~`, backslash, `!` or single
quote. sys.argv: -c, launcher, this text, size of the payload, the candidates that are left.
"""

import sys

# Before any other import: a zlib.py in the current folder is not ours to run.
sys.path[:] = [p for p in sys.path if p]
import os

v = sys.argv
if sys.version_info < (3, 6):
    for i in range(4, len(v)):
        try:
            os.execlp(v[i], v[i], "-Bc", *(v[1:2] + v[1:4] + v[i + 1 :]))
        except OSError:
            pass
    os.write(2, ("remotesvc: Python %s is too old" % sys.version.split()[0]).encode())
    os._exit(93)
n = int(v[3])
d = b""
while len(d) < n:
    try:
        b = os.read(0, n - len(d))
    except BlockingIOError:
        import select

        select.select([0], [], [])
        continue
    if not b:
        sys.exit("remotesvc: stdin ended after %d of %d bytes" % (len(d), n))
    d += b
import zlib

p = zlib.decompress(d).decode().split(chr(0))
exec(p.pop(0))
