"""``python -m gpt_sovits`` is the command line of the studio."""

from __future__ import annotations

import sys

from gpt_sovits.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
