"""A controller with a tree of three levels, to be killed: bastion, inner host, root there.

Standard input is one line of JSON: config_file, username, password, python. It connects, has all
three work, closes, and begins anew.
"""

import json
import sys
import time

from remotesvc import Router


def main() -> None:
    """Connect and close until somebody kills it."""
    given = json.loads(sys.stdin.readline())
    opts = {"transport": "openssh", "config_file": given["config_file"]}
    while True:
        with Router() as router:
            bastion = router.ssh("bastion", **opts)
            inner = router.ssh("inner2", via=bastion, username=given["username"], **opts)
            root = router.sudo(via=inner, password=given["password"], python_path=given["python"])
            futures = [context.submit(time.sleep, 0.1) for context in (bastion, inner, root)]
            for future in futures:
                future.result()
        print("closed", flush=True)


if __name__ == "__main__":
    main()
