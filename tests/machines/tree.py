# SPDX-License-Identifier: MIT
"""Unpacks tree.txt, the files of a machine on one page, into a folder.

    = /sys/devices/system/cpu/cpu{0-3}/online     a file, or several by {list} and {a-b}
    content, up to the next line that begins so
    @ /sys/bus/pci/devices/x/physfn -> ../y       a symbolic link
    / /sys/empty                                  an empty folder
"""

import itertools
import re
from pathlib import Path


def expand(path):
    """All paths that a path with braces stands for."""
    parts = re.split(r'\{([^}]*)\}', path)
    choices = []
    for i, part in enumerate(parts):
        if i % 2 == 0:
            choices.append([part])
            continue
        names = []
        for item in part.split(','):
            bounds = re.fullmatch(r'(\d+)-(\d+)', item)
            names += ([str(n) for n in range(int(bounds[1]), int(bounds[2]) + 1)] if bounds
                      else [item])
        choices.append(names)
    return [''.join(each) for each in itertools.product(*choices)]


def entries(text):
    """Yields (mark, path or link, content)."""
    head, lines = None, []
    for line in text.splitlines():
        if line[:2] in ('= ', '@ ', '/ ') or line.startswith('# '):
            if head:
                yield head[0], head[2:], '\n'.join(lines) + ('\n' if lines else '')
            head, lines = (line, []) if line[0] != '#' else (None, [])
        elif head:
            lines.append(line)
    if head:
        yield head[0], head[2:], '\n'.join(lines) + ('\n' if lines else '')


def unpack(text, root):
    root = Path(root)
    for mark, path, content in entries(text):
        path, _, target = path.partition(' -> ')
        for each in expand(path.strip()):
            place = root / each.lstrip('/')
            if mark == '/':
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if mark == '@':
                place.symlink_to(target.strip())
            else:
                place.write_text(content)
