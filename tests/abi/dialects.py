#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compiles each public header alone in each dialect by each compiler here, warnings as errors."""

import itertools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bindings'))
from header import Header  # noqa: E402

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wshadow', '-Werror']
# Implicit padding would differ between ABIs; on 64-bit machines there is none.
C_ONLY = ['-Wpadded', '-Wstrict-prototypes', '-Wmissing-prototypes']
CPP_ONLY = ['-Wold-style-cast', '-Wzero-as-null-pointer-constant']
DIALECTS = {
    'c': ['c99', 'c11', 'c17', 'gnu2x'],
    'c++': ['c++11', 'c++14', 'c++17', 'c++20'],
}
COMPILERS = {'c': ['gcc', 'clang-14', 'clang'], 'c++': ['g++', 'clang++-14', 'clang++']}

# The bridge to DLPack, which leaves the structs to the other header or has them itself.
DLPACK = [
    '#include <hwa/dlpack.h>\n#include <hwa/dlpack.h>\n',
    '#define HWA_DLPACK_TYPES\n#include <hwa/dlpack.h>\n#include <hwa/dlpack.h>\n'
    'extern DLManagedTensorVersioned tensor;\nextern struct DLManagedTensor legacy;\n',
]


def source(header):
    """Includes the header twice and starts every growing struct with HWA_INIT()."""
    lines = ['#include <hwa/hwa.h>', '#include <hwa/hwa.h>', 'uint32_t sizes(void);',
             'uint32_t sizes(void) {', '    uint32_t sum = 0;']
    for struct in header.structs:
        name = struct.name.removeprefix('hwa_')
        if struct.grows:
            lines.append(f'    {struct.name} {name} = HWA_INIT({struct.name});')
            lines.append(f'    sum += {name}.struct_size == sizeof(struct {struct.name});')
        else:
            lines.append(f'    sum += (uint32_t)sizeof({struct.name}) > 0;')
    return '\n'.join(lines + ['    return sum;', '}', ''])


def compile_one(compiler, language, dialect, path):
    flags = C_ONLY if language == 'c' and sys.maxsize > 2**32 else []
    flags = CPP_ONLY if language == 'c++' else flags
    command = [compiler, f'-std={dialect}', *WARNINGS, *flags, '-I', str(ROOT / 'include'),
               '-c', '-o', '/dev/null', str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(' '.join(command), done.stderr, sep='\n')
    return done.returncode == 0


def main():
    texts = [source(Header(ROOT / 'include/hwa/hwa.h')), *DLPACK]
    count = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for text, (language, dialects) in itertools.product(texts, DIALECTS.items()):
            path = Path(folder) / ('alone.c' if language == 'c' else 'alone.cpp')
            cast = text.replace('(uint32_t)sizeof', 'sizeof') if language == 'c++' else text
            path.write_text(cast, encoding='utf-8')
            for compiler in filter(shutil.which, COMPILERS[language]):
                for dialect in dialects:
                    count += 1
                    failed += not compile_one(compiler, language, dialect, path)
    print(f'{count} compilations, {failed} failed')
    if count == 0 or failed:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
