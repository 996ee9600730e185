"""Print a command that README.md gives people to copy: `python .ci/readme_command.py start|test`.

The command is the bash block that follows the comment `<!-- command: NAME -->`, so what CI runs is what is written.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def commands(readme: str) -> dict[str, str]:
    """Map each marker's name to the text of its bash block."""
    return dict(re.findall(r"<!-- command: (\w+) -->\s*```bash\n(.*?)\n```", readme, flags=re.DOTALL))


if __name__ == "__main__":
    found = commands(README.read_text(encoding="utf-8"))
    if len(sys.argv) != 2 or sys.argv[1] not in found:
        sys.exit(f"usage: readme_command.py {'|'.join(found)}")
    print(found[sys.argv[1]])
