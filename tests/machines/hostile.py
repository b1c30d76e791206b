#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Spoils each file of a machine in every way there is; the library has to find a CPU all the same.

usage: hostile.py SHOW MACHINE [--sanitized]

Each look has to end well within a second and 64 MiB (which sanitizers exceed by themselves)."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tree import unpack

SECONDS, KIBIBYTES = 1.0, 64 * 1024


def sparse(path):
    with open(path, 'wb') as file:
        file.truncate(3 << 30)


# Each is called with a path at which there is nothing any more.
WAYS = {
    'missing': lambda path: None,
    'empty': lambda path: path.write_bytes(b''),
    'junk': lambda path: path.write_bytes(bytes(range(256)) * 16),
    'no line end': lambda path: path.write_bytes(b'7' * 5000),
    'nul': lambda path: path.write_bytes(b'0-3\x00,9\r\n\x00'),
    'utf-16': lambda path: path.write_bytes('0-3\n'.encode('utf-16')),
    'one long line': lambda path: path.write_bytes(b'0,' * 500000),
    'minus one': lambda path: path.write_bytes(b'-1\n'),
    'all ones': lambda path: path.write_bytes(b'0xffff\n'),
    'too large': lambda path: path.write_bytes(b'18446744073709551615\n'),
    'wide list': lambda path: path.write_bytes(b'0-65535\n'),
    'fifo': os.mkfifo,
    'folder': lambda path: path.mkdir(),
    'loop': lambda path: path.symlink_to(path.name),
    'endless': lambda path: path.symlink_to('/dev/zero'),
    'outside': lambda path: path.symlink_to('/../../../../../../etc/passwd'),
    'sparse': sparse,
}
OF_FOLDERS = ('missing', 'empty', 'fifo', 'loop')


def look(show, root, sanitized):
    """The system, or what was wrong with the look."""
    start = time.monotonic()
    try:
        run = subprocess.run([show, str(root)], capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return 'hangs'
    if run.returncode != 0:
        return f'ends with {run.returncode}: {run.stderr.strip()}'
    if not sanitized and time.monotonic() - start > SECONDS:
        return f'takes {time.monotonic() - start:.1f} s'
    kinds = [device['kind'] for device in json.loads(run.stdout)['devices']]
    return None if 'cpu' in kinds else 'finds no processor'


def spoil(path, way, aside):
    """Moves what is there aside and puts something worse in its place."""
    path.rename(aside)
    WAYS[way](path)


def mend(path, aside):
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    aside.rename(path)


def main():
    show, machine, sanitized = sys.argv[1], Path(sys.argv[2]), '--sanitized' in sys.argv
    text = (machine / 'tree.txt').read_text()
    faults, looks = [], 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, 'tree')
        unpack(text, root)
        paths = sorted(path.relative_to(root) for path in root.rglob('*'))
        aside = Path(folder, 'aside')
        for path in [root / path for path in paths]:
            for way in OF_FOLDERS if path.is_dir() else WAYS:
                spoil(path, way, aside)
                fault = look(show, root, sanitized)
                mend(path, aside)
                looks += 1
                if fault:
                    faults.append(f'{path.relative_to(root)}: {way}: {fault}')
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if not sanitized and most > KIBIBYTES:
        faults.append(f'a look took {most} KiB')
    print(f'{looks} looks, at most {most} KiB')
    sys.exit('\n'.join(faults[:50]) if faults else 0)


if __name__ == '__main__':
    main()
