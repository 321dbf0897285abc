"""Run a command to which the permissions of files apply, even where root runs the tests."""

import sys
from collections.abc import Sequence

# Without these two, root is bound by the mode of a file like its owner (Linux).
DROP = """
import ctypes, os, sys
PR_CAPBSET_READ, PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 23, 24, 1, 2
if os.geteuid() == 0:
    libc = ctypes.CDLL(None)
    for power in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if libc.prctl(PR_CAPBSET_READ, power, 0, 0, 0) == 1:
            assert libc.prctl(PR_CAPBSET_DROP, power, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def powerless(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", DROP, *command]
