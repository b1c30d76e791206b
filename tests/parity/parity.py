#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks the library what another detection library answers, and compares: the vectors are facts in
ground-truth/ai-hwaccel-vectors.json below HWA_TEST_DATA, which says of each answer whether it is
sound or wrong. What is sound is asserted, and what is wrong is answered rightly.

usage: parity.py     open.txt beside it lists what is not answered yet: it may only shrink"""

import json
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path

import detection
import nvlink
import planning
from programs import NotHere

SKIPPED = 77
# Functions that this library does not have, or of systems that it does not run on yet.
WAIVED = ('cli_model_size', 'run_tool', 'protobuf_varint', 'validate_', 'shard_layers',
          'cost_table', 'apple_', 'wmic_', 'powershell_csv', 'win_')
ANSWERS = {**detection.ANSWERS, **nvlink.ANSWERS, **planning.ANSWERS}


def outcome(case):
    """(passed, waived, open or elsewhere; why)."""
    if case['kind'].startswith(WAIVED):
        return 'waived', ''
    answer = ANSWERS.get(case['kind'])
    if answer is None:
        return 'open', 'nothing answers this kind'
    try:
        answer(case)
    except NotHere as why:
        return 'elsewhere', str(why)
    except (AssertionError, KeyError, IndexError, TypeError, ValueError) as why:
        return 'open', f'{type(why).__name__}: {why}'
    return 'passed', ''


def main():
    data = os.environ.get('HWA_TEST_DATA')
    path = Path(data or '', 'ground-truth/ai-hwaccel-vectors.json')
    if not data or not path.exists():
        print('HWA_TEST_DATA names no folder with the vectors')
        sys.exit(SKIPPED)
    told = Path(__file__).parents[2].joinpath('docs/peer-parity.md').read_text()
    known = set(Path(__file__).with_name('open.txt').read_text().split())
    kinds, still = defaultdict(Counter), set()
    for case in json.loads(path.read_text())['cases']:
        if case['assess'] == 'heuristic':
            kinds[case['kind']]['policy'] += 1
            continue
        end, why = outcome(case)
        kinds[case['kind']][end] += 1
        if end in ('open', 'elsewhere'):
            print(f'{end}: {case["id"]}: {why}')
        if end == 'open':
            still.add(case['id'])
    ends = ('passed', 'waived', 'elsewhere', 'open', 'policy')
    print(f'{"kind":<24}' + ''.join(f'{end:>10}' for end in ends))
    for kind, counts in sorted(kinds.items()):
        print(f'{kind:<24}' + ''.join(f'{counts[end] or "":>10}' for end in ends))
    sums = sum(kinds.values(), Counter())
    print(f'{"all":<24}' + ''.join(f'{sums[end]:>10}' for end in ends))
    print('answered now, to be taken off open.txt:', ' '.join(sorted(known - still)) or 'none')
    faults = [f'{kind}: docs/peer-parity.md does not tell of it' for kind in sorted(kinds)
              if f'`{kind}`' not in told]
    faults += [f'{name}: newly open' for name in sorted(still - known)]
    sys.exit('\n'.join(faults) if faults else 0)


if __name__ == '__main__':
    main()
