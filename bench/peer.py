#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A full detection by this library and by ai-hwaccel 1.1.1, uncached, in turns in one run.

usage: peer.py DETECT_ON_LINE SOURCE BUILD

SOURCE is the folder of the peer's program, built by cargo into BUILD; skipped where cargo is not
there or may not fetch. What the peer keeps on disk is removed before each round."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS, WARM_UP, WANTED, SKIPPED = 25, 3, 0.4, 77


def build(source, folder):
    """The peer's program; exits where it cannot be had."""
    if shutil.which('cargo') is None:
        print('not run: there is no cargo')
        sys.exit(SKIPPED)
    # A copy, as cargo writes beside what it builds.
    shutil.copytree(source, folder, dirs_exist_ok=True)
    made = subprocess.run(['cargo', 'build', '--quiet', '--release'], cwd=folder,
                          capture_output=True, text=True)
    if made.returncode != 0:
        print('not run: cargo cannot fetch or build the peer:', made.stderr.strip()[-200:])
        sys.exit(SKIPPED)
    return folder / 'target/release/peer'


def start(program, cache):
    return subprocess.Popen([str(program)], env={**os.environ, 'XDG_CACHE_HOME': cache}, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def once(process, cache):
    shutil.rmtree(cache, ignore_errors=True)
    process.stdin.write('\n')
    process.stdin.flush()
    return int(process.stdout.readline()) / 1e6


def main():
    program = build(Path(sys.argv[2]), Path(sys.argv[3]))
    with tempfile.TemporaryDirectory() as folder:
        cache = folder + '/cache'
        own, peer = start(sys.argv[1], cache), start(program, cache)
        pairs = [(once(own, cache), once(peer, cache)) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
        for process in own, peer:
            process.stdin.close()
            process.wait()
    ours, theirs = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f'hwa_detect {ours:.2f} ms, ai-hwaccel 1.1.1 {theirs:.2f} ms, medians of {ROUNDS} rounds '
          f'in turns; median of ratios {ratio:.2f}, at most {WANTED} wanted')
    sys.exit(0 if ratio <= WANTED else 1)


if __name__ == '__main__':
    main()
