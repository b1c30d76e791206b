#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds three lists equal: functions of the headers, names of lib/hwa.map, symbols exported.

    symbols.py LIBHWA.SO
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bindings'))
from header import Header  # noqa: E402


def dlpack_names(text):
    """Functions of hwa/dlpack.h, whose structs are another project's and beyond the parser."""
    return re.findall(r'^HWA_API hwa_status_t (hwa_\w+)\(', text, re.M)


def map_names(text):
    """Names a version script makes global, and its faults."""
    faults = []
    names = []
    for node in re.finditer(r'(HWA_\d+\.\d+) \{(.*?)\}', text, re.S):
        exported = node.group(2).partition('local:')[0].replace('global:', '')
        listed = re.findall(r'(\S+);', exported)
        faults += [f'{name}: a pattern exports what the header does not name'
                   for name in listed if not re.fullmatch(r'hwa_\w+', name)]
        if listed != sorted(listed):
            faults.append(f'{node.group(1)}: the names are not in order')
        names += listed
    return names, faults


def exported_names(library):
    """Symbols of the library with their version; version nodes themselves left out."""
    output = subprocess.run(['nm', '-D', '--defined-only', library], check=True,
                            capture_output=True, text=True).stdout
    rows = [line.split() for line in output.splitlines()]
    return [row[-1] for row in rows if row[1] != 'A']


def compare(what, left, right):
    return [f'{name}: {what}' for name in sorted(set(left) - set(right))]


def main():
    header = [item.name for item in Header(ROOT / 'include/hwa/hwa.h').functions]
    header += dlpack_names((ROOT / 'include/hwa/dlpack.h').read_text(encoding='utf-8'))
    script, faults = map_names((ROOT / 'lib/hwa.map').read_text(encoding='utf-8'))
    faults += compare('in the header, not in lib/hwa.map', header, script)
    faults += compare('in lib/hwa.map, not in the header', script, header)
    for library in sys.argv[1:]:
        versioned = exported_names(library)
        exported = [name.partition('@')[0] for name in versioned]
        faults += [f'{name}: exported without a version' for name in versioned if '@' not in name]
        faults += compare('in lib/hwa.map, not exported by the library', script, exported)
        faults += compare('exported by the library, not in lib/hwa.map', exported, script)
    print('\n'.join(faults) or f'{len(header)} functions')
    if faults or not header:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
