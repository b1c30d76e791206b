#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds lib/api's own declarations to a vendor's header: layout.py CC OWN VENDOR_NAME [DEFINE...]

OWN is the header below lib/api, VENDOR_NAME the file of the vendor. A compiler checks that every
constant has the vendor's value, every struct its size and offsets, and every function its
prototype. Skips where no toolkit and no Python package has the file.
"""

import os
import pathlib
import re
import subprocess
import sys
import sysconfig

SKIPPED = 77


def find(name):
    folders = [os.environ.get('HWA_TEST_CUDA_INCLUDE'),
               os.environ.get('CUDA_HOME', '') + '/include',
               '/usr/local/cuda/include', '/opt/cuda/include', '/usr/include']
    for packages in (sysconfig.get_path('purelib'), '/usr/lib/python3/dist-packages'):
        folders += sorted(pathlib.Path(packages).glob('nvidia/*/include'))
    for folder in folders:
        if folder and (pathlib.Path(folder) / name).is_file():
            return pathlib.Path(folder) / name
    return None


def checks(text):
    """One C declaration for everything that the header says."""
    text = re.sub(r'//[^\n]*', '', text.replace('// end of prototypes', '@END@')
                  .replace('// prototypes', '@START@ //'))
    for name, value in re.findall(r'^\s+(\w+) = (0x[0-9A-F]+|\d+),?$', text, re.M):
        yield f'_Static_assert((long long){name} == {value}, "{name}");'
    for fact in re.findall(r'static_assert\(((?:sizeof|offsetof)\([\w, ]+\) == \d+)', text):
        yield f'_Static_assert({fact}, "{fact}");'
    body = text.split('@START@', 1)[1].split('@END@', 1)[0]
    for prototype in re.findall(r'[^;]+;', body):
        yield ' '.join(prototype.split())


def main():
    compiler, own, vendor, *defines = sys.argv[1:]
    header = find(vendor)
    if header is None:
        print(f'no toolkit or package here has {vendor}')
        return SKIPPED
    lines = [f'#include <{header}>', '#include <stddef.h>', '#include <stdint.h>']
    made = list(checks(pathlib.Path(own).read_text(encoding='utf-8')))
    assert len(made) > 10, made
    print(f'{len(made)} declarations held to {header}')
    ran = subprocess.run([*compiler.split(), *defines, '-std=c11', '-fsyntax-only', '-x', 'c', '-'],
                         input='\n'.join(lines + made) + '\n', text=True, check=False)
    return 1 if ran.returncode else 0


if __name__ == '__main__':
    sys.exit(main())
