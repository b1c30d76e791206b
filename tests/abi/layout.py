#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares struct layouts and enum values, as the compiler sees them, with the committed lists.

    layout.py COMPILER...            fails, with a diff, where layout.txt or enums.txt differ
    layout.py --update COMPILER...   writes them anew; docs/abi.md says when that is allowed
"""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / 'bindings'))
from header import Header  # noqa: E402

SKIPPED = 77


def program(header):
    """A C program that prints the layout list, a line of dashes, and the list of enum values."""
    lines = ['#include <hwa/hwa.h>', '#include <stdio.h>', 'int main(void) {']
    for struct in header.structs:
        kind = 'grows' if struct.grows else 'final'
        lines.append(f'    printf("{struct.name} %zu {kind}\\n", sizeof({struct.name}));')
        for field in struct.fields:
            place = f'offsetof({struct.name}, {field.name})'
            size = f'sizeof((({struct.name} *)0)->{field.name})'
            lines.append(f'    printf("    {field.name} %zu %zu\\n", {place}, {size});')
    lines.append('    puts("----");')
    for enum in header.enums:
        lines.append(f'    printf("{enum.name} %zu\\n", sizeof({enum.name}));')
        lines += [f'    printf("    {name} %lld\\n", (long long){name});'
                  for name, _, _ in enum.values]
    return '\n'.join(lines + ['    return 0;', '}', ''])


def measure(compiler):
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder) / 'layout.c', Path(folder) / 'layout'
        source.write_text(program(Header(ROOT / 'include/hwa/hwa.h')), encoding='utf-8')
        subprocess.run([*compiler, '-std=c11', '-I', str(ROOT / 'include'), str(source),
                        '-o', str(binary)], check=True)
        output = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
    layout, _, enums = output.partition('----\n')
    return {HERE / 'layout.txt': layout, HERE / 'enums.txt': enums}


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ['--update']
    if sys.maxsize <= 2**32:
        print('the committed layout is that of 64-bit machines')
        raise SystemExit(SKIPPED)
    differs = False
    for path, measured in measure(arguments[update:]).items():
        if update:
            path.write_text(measured, encoding='utf-8')
            continue
        committed = path.read_text(encoding='utf-8')
        differs = differs or committed != measured
        sys.stdout.writelines(difflib.unified_diff(
            committed.splitlines(True), measured.splitlines(True), str(path), 'the header'))
    if differs:
        raise SystemExit('the ABI changed: see docs/abi.md')


if __name__ == '__main__':
    main()
