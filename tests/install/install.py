#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Installs a build into an empty folder and builds a program against it: `install.py BUILD`.

Looks for the files a package needs, compiles consumer.c by what pkg-config says, in C and through
the shared library, and runs it: detection must find the installed helper.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(command, **settings):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)
    if done.returncode != 0:
        raise SystemExit(f'{" ".join(map(str, command))}\n{done.stdout}{done.stderr}')
    return done.stdout


def options(build):
    rows = json.loads((build / 'meson-info/intro-buildoptions.json').read_text(encoding='utf-8'))
    return {row['name']: row['value'] for row in rows}


def expected(prefix, wanted, version):
    libdir = prefix / wanted['libdir']
    files = [prefix / wanted['includedir'] / 'hwa/hwa.h',
             prefix / wanted['includedir'] / 'hwa/dlpack.h', libdir / 'libhwa.so',
             libdir / 'libhwa.so.0', libdir / f'libhwa.so.{version}', libdir / 'pkgconfig/hwa.pc',
             prefix / wanted['libexecdir'] / 'hwa-probe']
    if wanted['tools']:
        files.append(prefix / wanted['bindir'] / 'hwa')
    return files


def main():
    build = Path(sys.argv[1])
    wanted = options(build)
    with tempfile.TemporaryDirectory() as folder:
        run(['meson', 'install', '-C', build, '--no-rebuild', '--quiet'],
            env={**os.environ, 'DESTDIR': folder})
        prefix = Path(folder + wanted['prefix'])
        settings = {**os.environ, 'PKG_CONFIG_SYSROOT_DIR': folder,
                    'PKG_CONFIG_LIBDIR': str(prefix / wanted['libdir'] / 'pkgconfig')}
        version = run(['pkg-config', '--modversion', 'hwa'], env=settings).strip()
        lacking = [path for path in expected(prefix, wanted, version) if not path.exists()]
        if lacking:
            raise SystemExit(f'not installed: {lacking}')
        flags = run(['pkg-config', '--cflags', '--libs', 'hwa'], env=settings).split()
        consumer = Path(folder) / 'consumer'
        run(['cc', '-Wall', '-Wextra', '-Werror', '-o', consumer, HERE / 'consumer.c', *flags])
        output = run([consumer], env={**os.environ,
                                      'LD_LIBRARY_PATH': str(prefix / wanted['libdir'])})
        print(output)
        if 'no helper' in output:
            raise SystemExit('the installed library did not find its helper')


if __name__ == '__main__':
    main()
