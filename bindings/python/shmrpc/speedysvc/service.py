"""python3 -m shmrpc.speedysvc.service service.ini: runs shmrpcd, the
manager."""

from __future__ import annotations

import os
import shutil
import sys


def main(arguments: list[str]) -> int:
    """Replaces this process by shmrpcd; returns only if shmrpcd is not
    installed."""
    program = shutil.which("shmrpcd")
    if program is None:
        print("shmrpc: error: shmrpcd is not installed, or not on the PATH",
              file=sys.stderr)
        return 1
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
