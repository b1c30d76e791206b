# SPDX-License-Identifier: MIT
"""Runs an example and looks for the text it must print: expect.py TEXT PROGRAM [ARGUMENT...]"""

import subprocess
import sys

done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, text=True, timeout=60)
sys.stdout.write(done.stdout)
if done.returncode != 0:
    sys.exit(f'exit status {done.returncode}')
if sys.argv[1] not in done.stdout:
    sys.exit(f'does not print {sys.argv[1]!r}')
