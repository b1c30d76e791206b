#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits the constants of lib/plan/time/curves.cpp to the table `kernels`; needs numpy.

    HWA_TEST_DATA=… fit_kernels.py KERNEL-TIMES [--write]

Prints for each operator, class and format the median error and the 90th percentile, and the median
with each measured system left out in turn (`--loo`). `--write` puts the constants into curves.cpp,
which clang-format then has to lay out.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from kernel_times import OPERATORS, ask, chip_line, kernel_line, sheets

CLASSES = ('Hopper', 'Blackwell', 'Ada', 'BlackwellGddr', 'Xe2', 'AmpereHbm', 'AmpereGddr',
           'Older', 'AmdHbm', 'AmdGddr', 'Tpu', 'Other')
MATHS = {'bfloat16': 'Bf16', 'fp8': 'Fp8', 'fp8_block': 'Fp8Block', 'nvfp4': 'Fp4',
         'w4a16_mxfp4': 'Mxfp4'}
# Where the search starts, and how far (as a factor) a constant may go from there.
START = {
    'gemm': [(3e-6, 1e3), (.8, 3), (20, 20), (.8, 1.7), (2.5, 5), (3e-9, 30), (.5, 10), (1, 4),
             (1, 4), (1, 4), (1.3, 2.5)],
    'prompt': [(9e-6, 100), (.7, 4), (2e-11, 100), (.7, 8), (1.2, 5), (1e-6, 50), (1, 4),
               (1e-9, 100), (2, 20), (1, 4)],
    'token': [(9e-6, 100), (3e-11, 50), (.9, 1.5), (1.5, 8), (2e-6, 50), (2e-7, 50), (1, 8),
              (2e-9, 50), (2, 20), (5e-11, 100), (1.3, 3)],
    'experts': [(2e-5, 100), (.6, 4), (15, 10), (.75, 3), (2, 5), (1e-9, 1e3), (1e-9, 1e3),
                (.5, 3), (1.3, 3)],
}
# Kernels scaled by blocks are launched from Python.
BLOCK_START = 1.5e-4
WIDTH = .1  # errors beyond it count less and less
STIFF = .03  # pull towards the start, as a residual for each factor of e


def residuals(program, name, rows, chips, constants):
    lines = ['curve ' + name + ' ' + ' '.join(f'{value:.9g}' for value in constants)]
    for row in rows:
        lines += [chips[row['system']], kernel_line(row)]
    seconds = np.array([answer[0] for answer in ask(program, lines)])
    return np.log(seconds / np.array([row['ms'] / 1e3 for row in rows]))


def begin(name, rows):
    start = [value for value, _ in START[name]]
    if rows[0].get('dtype') == 'fp8_block':
        start[0] = BLOCK_START
    return np.log(start)


def fit(program, name, rows, chips):
    """Constants of the least robust logarithmic error (Cauchy's), by damped Gauss-Newton.

    Libraries choose other kernels for some shapes; what these take is not to bend the curve.
    """
    start = begin(name, rows)
    reach = np.log([factor for _, factor in START[name]])

    def cost(at):
        left = residuals(program, name, rows, chips, np.exp(at))
        return left, (np.sum(WIDTH * np.log1p((left / WIDTH)**2))
                      + np.sum(((at - start) * STIFF * 5)**2))

    best, least = None, np.inf
    for seed in range(4):
        jump = np.random.default_rng(seed).uniform(-.6, .6, len(start)) * (seed > 0)
        at = start + jump * np.minimum(reach, 1)
        left, now = cost(at)
        damp = .1
        for _ in range(40):
            slope = np.array([(residuals(program, name, rows, chips,
                                         np.exp(at + .01 * np.eye(len(at))[i])) - left) / .01
                              for i in range(len(at))]).T
            weight = 2 * WIDTH / (WIDTH**2 + left**2)
            matrix = slope.T @ (weight[:, None] * slope) + 2 * (STIFF * 5)**2 * np.eye(len(at))
            ahead = slope.T @ (weight * left) + 2 * (STIFF * 5)**2 * (at - start)
            improved = False
            for _ in range(6):
                step = np.linalg.solve(matrix + damp * np.diag(np.diag(matrix) + 1e-3), -ahead)
                tried = np.clip(at + np.clip(step, -.7, .7), start - reach, start + reach)
                left_there, there = cost(tried)
                if there < now - 1e-4 * max(1, now):
                    at, left, now, damp, improved = tried, left_there, there, damp / 3, True
                    break
                damp *= 4
            if not improved:
                break
        if now < least:
            best, least = at, now
    return np.exp(best)


def figures(left):
    errors = np.abs(np.exp(left) - 1)
    return f'median {np.median(errors):6.1%}  p90 {np.quantile(errors, .9):6.1%}'


def groups(program, rows, chips):
    """Rows by operator, class and format."""
    kinds = {system: CLASSES[int(ask(program, [chips[system], 'class'])[0][0])]
             for system in {row['system'] for row in rows}}
    found = {}
    for row in rows:
        math = row.get('dtype') or row.get('moe_dtype') or 'bfloat16'
        key = (OPERATORS[row['op']], kinds[row['system']], math)
        found.setdefault(key, []).append(row)
    return dict(sorted(found.items(), key=lambda item: (list(START).index(item[0][0]),
                                                        CLASSES.index(item[0][1]),
                                                        list(MATHS).index(item[0][2]))))


def write(tables):
    path = Path(__file__).parents[2] / 'lib' / 'plan' / 'time' / 'curves.cpp'
    text = path.read_text()
    made = ''
    for name, entries in tables.items():
        made += f'constexpr Fitted<{name.capitalize()}Curve> {name}_curves[] = {{\n'
        for kind, math, constants, factor in entries:
            values = ', '.join(f'{value:.3g}' for value in constants)
            line = (f'    {{ChipClass::{kind}, Math::{MATHS[math]}, {{{values}}}, '
                    f'{factor:.3g}}},')
            made += line + '\n'
        made += '};\n'
    before, after = text.index('// begin of fitted\n'), text.index('// end of fitted')
    path.write_text(text[:before] + '// begin of fitted\n' + made + text[after:])


def main():
    program = sys.argv[1]
    folder = Path(os.environ['HWA_TEST_DATA']) / 'ground-truth'
    rows = json.loads((folder / 'kernels.json').read_text())['rows']
    known = sheets()
    chips = {row['system']: chip_line(known[row['system']]) for row in rows}
    tables, everything, without = {}, {}, {}
    for (name, kind, math), some in groups(program, rows, chips).items():
        constants = fit(program, name, some, chips)
        left = residuals(program, name, some, chips, constants)
        factor = float(np.exp(np.quantile(np.abs(left), .82)))
        tables.setdefault(name, []).append((kind, math, constants, factor))
        everything.setdefault(name, []).extend(left)
        print(f'{name:8} {kind:14} {math:12} {len(some):4}  {figures(left)}  factor {factor:.2f}',
              flush=True)
        if '--loo' in sys.argv:
            for system in sorted({row['system'] for row in some}):
                others = [row for row in some if row['system'] != system]
                if len(others) > 8:
                    there = [row for row in some if row['system'] == system]
                    apart = residuals(program, name, there, chips,
                                      fit(program, name, others, chips))
                    without.setdefault(name, []).extend(apart)
                    print(f'         without {system:20} {len(there):4}  {figures(apart)}')
    for name, left in everything.items():
        print(f'{name:8} all {len(left):4}  {figures(np.array(left))}')
    for name, left in without.items():
        print(f'{name:8} with the system left out {len(left):4}  {figures(np.array(left))}')
    everything = sum((list(left) for left in everything.values()), [])
    print(f'all {len(everything)}  {figures(np.array(everything))}')
    if '--write' in sys.argv:
        write(tables)


if __name__ == '__main__':
    main()
