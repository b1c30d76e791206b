#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unpacks a machine, lets the library look at it, and compares what it says with expect.json.

usage: replay.py SHOW MACHINE [--update]

With --update, expect.json is written anew, to be read before it is committed. Then the same machine
is recorded through the capture option, and the record has to say the same."""

import difflib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tree import unpack


def asked(backends):
    """Those that looked and had something to look at; no tree has drivers to ask."""
    return [row for row in backends if row['outcome'] not in ('absent', 'skipped')]


def look(show, *folders):
    """The system without the times, which differ from run to run, without the ways to run work,
    which differ from build to build, and without the backends that have nothing to look at, of
    which every machine has many."""
    run = subprocess.run([show, *map(str, folders)], capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        sys.exit(f'{folders[0]}: {run.stderr}')
    system = json.loads(run.stdout)
    system['backends'] = asked(system['backends'])
    for row in system['backends']:
        row['elapsed_ns'] = 0
    for device in system['devices']:
        device['runtimes'] = []
    return json.dumps(system, indent=2) + '\n'


def compare(what, expected, got):
    lines = difflib.unified_diff(expected.splitlines(), got.splitlines(), 'expected', what,
                                 lineterm='')
    text = '\n'.join(lines)
    if text:
        sys.exit(text)


def main():
    show, machine = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        root, copy = Path(folder, 'tree'), Path(folder, 'copy')
        unpack((machine / 'tree.txt').read_text(), root)
        got = look(show, root)
        if sys.argv[3:] == ['--update']:
            (machine / 'expect.json').write_text(got)
        expected = json.loads((machine / 'expect.json').read_text())
        expected['backends'] = asked(expected['backends'])
        compare('replayed', json.dumps(expected, indent=2) + '\n', got)
        compare('captured', got, look(show, root, copy))
        compare('replayed from the capture', got, look(show, copy))


if __name__ == '__main__':
    main()
