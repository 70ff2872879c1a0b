"""First text of the payload, run by stage0: make the modules importable and start the child.

`p` holds the words and (name, file name, source) of each module in turn, or one text with the same
compiled, as payload.py wrote them.
"""
# ruff: noqa: F821  stage0 sets p, d and v
# mypy: disable-error-code="name-defined,has-type,used-before-def"

import sys

if len(p) == 1:
    import binascii
    import marshal

    p = marshal.loads(binascii.a2b_base64(p[0]))  # noqa: S302  a parent sent it
else:
    t = "\0".join(p[1:])
    for w in p[0].split(" "):
        t = t.replace(w[:1], w[1:])
    p = t.split("\0")
m = type(sys)("remotesvc.core.finder")
i = p.index(m.__name__)
sys.modules[m.__name__] = m
c = p[i + 2]
exec(compile(c, p[i + 1], "exec") if isinstance(c, str) else c, m.__dict__)
f = m.Finder()
f.seed = v[2], d
for i in range(0, len(p), 3):
    k = "package" if p[i + 1].endswith("__init__.py") else "module"
    f.add(p[i], (k, p[i + 1], p[i + 2], None))
f.install()
from remotesvc.bootstrap.child import main

main(f)
