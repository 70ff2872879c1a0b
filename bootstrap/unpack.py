"""First text of the payload, run by stage0: make the modules importable and start the child.

`p` holds (name, file name, source) of each module in turn, as payload.py wrote them.
"""

import sys

m = type(sys)("remotesvc.core.finder")
i = p.index(m.__name__)  # type: ignore[name-defined]  # noqa: F821 stage0 sets it
sys.modules[m.__name__] = m
exec(compile(p[i + 2], p[i + 1], "exec"), m.__dict__)  # type: ignore[name-defined]  # noqa: F821
f = m.Finder()
for i in range(0, len(p), 3):  # type: ignore[name-defined]  # noqa: F821
    k = "package" if p[i + 1].endswith("__init__.py") else "module"  # type: ignore[name-defined]  # noqa: F821
    f.add(p[i], (k, p[i + 1], p[i + 2], None))  # type: ignore[name-defined]  # noqa: F821
f.install()
from remotesvc.bootstrap.child import main

main(f)
