#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Adds up test runs: `tally.py NAME=BUILD...` reads the log of `meson test` in each build folder.

Prints one line per run and suite with its minutes, the tests that failed, and, last, the sums. A
run without a log counts as one failure: it did not build.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

PASSED = {'OK', 'EXPECTEDFAIL'}


def read(build):
    """(suite, test, result, seconds) of each test of a build folder."""
    log = Path(build) / 'meson-logs/testlog.json'
    if not log.exists():
        return [('build', 'build', 'FAIL', 0.0)]
    found = []
    for line in log.read_text(encoding='utf-8').splitlines():
        test = json.loads(line)
        suite, _, name = test['name'].partition(':')[2].partition(' / ')
        found.append((suite, name, test['result'], test['duration']))
    return found


def kind(result):
    if result == 'SKIP':
        return 'skipped'
    return 'passed' if result in PASSED else 'failed'


def main():
    sums = defaultdict(int)
    failures = []
    print(f'{"run":<10} {"suite":<12} {"passed":>7} {"failed":>7} {"skipped":>8} {"minutes":>8}')
    for argument in sys.argv[1:]:
        run, _, build = argument.partition('=')
        suites = defaultdict(lambda: defaultdict(float))
        for suite, test, result, seconds in read(build):
            suites[suite][kind(result)] += 1
            suites[suite]['minutes'] += seconds / 60
            sums[kind(result)] += 1
            if kind(result) == 'failed':
                failures.append(f'{run}: {suite} / {test}: {result.lower()}')
        for suite, of in sorted(suites.items()):
            print(f'{run:<10} {suite:<12} {of["passed"]:>7.0f} {of["failed"]:>7.0f} '
                  f'{of["skipped"]:>8.0f} {of["minutes"]:>8.2f}')
    print('\n'.join(failures))
    print(f'{sums["passed"]} passed, {sums["failed"]} failed, {sums["skipped"]} skipped')
    raise SystemExit(1 if sums['failed'] or not sums['passed'] else 0)


if __name__ == '__main__':
    main()
