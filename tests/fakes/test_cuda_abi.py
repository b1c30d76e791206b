# SPDX-License-Identifier: MIT
"""The declarations of the fake CUDA driver are those of the real cuda.h, where one is at hand."""

import glob
import os
import subprocess
import sys
import sysconfig
import tempfile

SKIPPED = 77


def headers():
    """Folders that may have a cuda.h, the likeliest first."""
    for name in ('HWA_TEST_CUDA_INCLUDE', 'CUDA_HOME', 'CUDA_PATH'):
        if name in os.environ:
            yield os.environ[name]
            yield os.path.join(os.environ[name], 'include')
    yield '/usr/local/cuda/include'
    yield '/usr/include'
    for site in (sysconfig.get_path('purelib'), sysconfig.get_path('platlib')):
        yield from glob.glob(os.path.join(site, 'nvidia', '*', 'include'))


def say(compiler, source, folder, *options):
    program = os.path.join(folder, 'layout')
    subprocess.run([compiler, source, *options, '-o', program], check=True)
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout


def main():
    compiler, source = sys.argv[1:]
    real = [path for path in headers() if os.path.exists(os.path.join(path, 'cuda.h'))]
    if not real:
        print('no cuda.h is at hand; name its folder in HWA_TEST_CUDA_INCLUDE')
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        own = say(compiler, source, folder)
        theirs = say(compiler, source, folder, '-DHWA_REAL_CUDA_H', '-I', real[0])
    wrong = [pair for pair in zip(own.split('\n'), theirs.split('\n')) if pair[0] != pair[1]]
    for mine, yours in wrong:
        print(f'fake: {mine}   {real[0]}/cuda.h: {yours}')
    print(f'{len(own.splitlines())} values and layouts compared with {real[0]}/cuda.h')
    return 1 if wrong else 0


sys.exit(main())
