"""`python -m remotesvc`: the command line, where its program is not on PATH."""

import sys

from remotesvc.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
