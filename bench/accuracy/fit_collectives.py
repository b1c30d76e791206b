#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits the constants of lib/plan/time/collectives.cpp to the table `collectives`; needs scipy.

    HWA_TEST_DATA=… fit_collectives.py [--loo] [--write]

Each of latency, rate and knee is a term of the wire, one of the operation, and what is left of the
two together; the last is held small, so that what was not measured follows from its neighbours.
`--loo` leaves out each pair of system and operation in turn; `--write` puts the constants into
collectives.cpp, which clang-format then has to lay out.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from kernel_times import sheets
from tables.collectives import wire_of

WIRES = ('nvlink3', 'nvlink4', 'nvlink5', 'pcie4', 'pcie5', 'xe')
OPERATIONS = ('all_reduce', 'all_gather', 'reduce_scatter', 'alltoall')
TERMS = 2 * (len(WIRES) + len(OPERATIONS)) + len(WIRES) * len(OPERATIONS)
START = (-12, -.3, -.5)  # logarithms of latency, share of the wire's rate, knee
PULL = .06 * np.concatenate([np.tile(np.concatenate([
    np.full(len(WIRES), .3), np.full(len(OPERATIONS), 1), np.full(len(WIRES), 1),
    np.full(len(OPERATIONS), 1), np.full(len(WIRES) * len(OPERATIONS), 2)]), 3), [.3]])


def term(x, which, wire, operation, doublings):
    """Logarithm of one of the three constants."""
    x = x[which * TERMS:(which + 1) * TERMS]
    parts = np.split(x, np.cumsum([len(WIRES), len(OPERATIONS), len(WIRES), len(OPERATIONS)]))
    both = parts[4].reshape(len(WIRES), len(OPERATIONS))
    return (START[which] + parts[0][wire] + parts[1][operation] + both[wire, operation]
            + doublings * (parts[2][wire] + parts[3][operation]))


class Table:
    def __init__(self, rows):
        known = sheets()
        wires = [wire_of(known[row['system']]) for row in rows]
        self.wire = np.array([WIRES.index(name) for name, _ in wires])
        self.rate = np.array([rate for _, rate in wires])
        self.operation = np.array([OPERATIONS.index(row['op']) for row in rows])
        self.ranks = np.array([float(row['n_gpus']) for row in rows])
        crossing = (self.ranks - 1) / self.ranks * np.where(self.operation == 0, 2, 1)
        self.volume = crossing * np.array([float(row['bytes']) for row in rows])
        self.seconds = np.array([row['ms'] / 1e3 for row in rows])

    def residuals(self, x):
        doublings = np.log2(self.ranks) - 1
        latency, share, knee = (np.exp(term(x, which, self.wire, self.operation, doublings))
                                for which in range(3))
        switch = (self.operation == 0) & (self.ranks >= 8) & np.isin(self.wire, (1, 2))
        rate = self.rate * np.minimum(1, share * np.where(switch, np.exp(x[-1]), 1))
        made = (latency**knee + (self.volume / rate)**knee)**(1 / knee)
        return np.log(made / self.seconds)


def fit(table):
    return least_squares(lambda x: np.concatenate([table.residuals(x), PULL * x]),
                         np.zeros(len(PULL)), loss='soft_l1', f_scale=.03).x


def figures(left):
    errors = np.abs(np.exp(left) - 1)
    return f'median {np.median(errors):6.1%}  p90 {np.quantile(errors, .9):6.1%}'


def written(x, left, wires):
    lines = ['constexpr Row fitted[wire_count][measured_count] = {']
    for wire, name in enumerate(WIRES):
        rows = []
        for operation in range(len(OPERATIONS)):
            first, second = ([term(x, which, wire, operation, doublings) for which in range(3)]
                             for doublings in (0, 1))
            rows.append('{' + ', '.join(
                f'{{{np.exp(a):.3g}, {(b - a) / np.log(2):.3g}}}'
                for a, b in zip(first, second)) + '}')
        lines.append('    {' + ', '.join(rows) + f'}}, // {name}')
    factors = ', '.join(f'{np.exp(np.quantile(np.abs(left[wires == wire]), .82)):.3g}'
                        for wire in range(len(WIRES)))
    return '\n'.join(lines) + f'''
}};
/// Gain of a reduction in the switch, over 8 ranks or more.
constexpr double in_switch = {np.exp(x[-1]):.3g};
constexpr double error_factors[wire_count] = {{{factors}}};
'''


def main():
    folder = Path(os.environ['HWA_TEST_DATA']) / 'ground-truth'
    rows = json.loads((folder / 'collectives.json').read_text())['rows']
    table = Table(rows)
    x = fit(table)
    print('all', figures(table.residuals(x)))
    if '--loo' in sys.argv:
        apart = []
        for pair in sorted({(row['system'], row['op']) for row in rows}):
            there = [row for row in rows if (row['system'], row['op']) == pair]
            apart.extend(Table(there).residuals(
                fit(Table([row for row in rows if (row['system'], row['op']) != pair]))))
        print('with the pair left out', figures(np.array(apart)))
    if '--write' in sys.argv:
        path = Path(__file__).parents[2] / 'lib' / 'plan' / 'time' / 'collectives.cpp'
        text = path.read_text()
        before, after = text.index('// begin of fitted\n'), text.index('// end of fitted')
        path.write_text(text[:before] + '// begin of fitted\n'
                        + written(x, table.residuals(x), table.wire) + text[after:])


if __name__ == '__main__':
    main()
