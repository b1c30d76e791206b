#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits the constants of lib/plan/time/training.cpp to the table `train_throughput`; needs scipy.

    HWA_TEST_DATA=… fit_training_time.py TRAINING-TIMES [--write]

Each constant is one for all, times a term of the engine, one of the class of chips, and one of the
two together; the last are held small. Prints the error of the fit, and with a fifth of the groups
of rows left out in turn. clang-format then has to lay out what `--write` wrote.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from kernel_times import ask
from training import line_of, read

PARTS = ('products', 'experts', 'attention', 'elementwise', 'kernels', 'tensor', 'expert', 'stage',
         'weight', 'data', 'optimizer', 'rounds', 'operations', 'peak', 'mixtures', 'calls',
         'release')
EARLY, MIDDLE, LATE = range(3)  # releases, as lib/plan/time/training.h has them
START = np.log([1, 1, 1, 1, 5e-6, 1, .5, .5, 1e-3, 1e-4, 1.5, .7])
ENGINES = {'megatron': 'Megatron', 'deepspeed': 'DeepSpeed', 'torch': 'Torch', 'jax': 'Jax'}
PULL = (.1, .3, .6, 1.2)  # on the term of all, of an engine, of a class, of a pair


def kind_of(sheet):
    """The class of a sheet, as lib/plan/time/chip.cpp has it."""
    if sheet.startswith('tpu'):
        return 'Tpu'
    return {'a': 'AmpereHbm', 'h': 'Hopper'}.get(sheet[0], 'Blackwell')


class Table:
    def __init__(self, program, folder):
        kept = [(row, run) for row, run in read(folder) if run]
        with tempfile.TemporaryDirectory() as configs:
            lines, paths = [], {}
            for _, run in kept:
                text = json.dumps(run.config, sort_keys=True)
                if text not in paths:
                    paths[text] = Path(configs) / str(len(paths)) / 'config.json'
                    paths[text].parent.mkdir()
                    paths[text].write_text(text)
                lines.append(line_of(run, paths[text]))
            answers = ask(program, lines)
        both = [(row, run, answer) for (row, run), answer in zip(kept, answers)
                if len(answer) == len(PARTS)]
        self.parts = dict(zip(PARTS, np.array([answer for _, _, answer in both]).T))
        self.seconds = np.array([run.step for _, run, _ in both])
        self.groups = np.array([row['group'] for row, _, _ in both])
        engines = [run.pins['engine'] for _, run, _ in both]
        kinds = [kind_of(run.sheet) for _, run, _ in both]
        self.engine_names, self.engine = np.unique(engines, return_inverse=True)
        self.kind_names, self.kind = np.unique(kinds, return_inverse=True)
        self.pairs = sorted(set(zip(self.engine, self.kind)))
        self.pair = np.array([self.pairs.index(pair) for pair in zip(self.engine, self.kind)])
        self.sizes = (1, len(self.engine_names), len(self.kind_names), len(self.pairs))

    def terms(self, x):
        return np.split(x.reshape(-1, len(START)), np.cumsum(self.sizes)[:-1])

    def residuals(self, x):
        every, engine, kind, pair = self.terms(x)
        curve = np.exp(START + every[0] + engine[self.engine] + kind[self.kind] + pair[self.pair])
        return np.log(step_seconds(self.parts, curve.T) / self.seconds)


def step_seconds(part, curve):
    """As in training.cpp."""
    (products, experts, attention, elementwise, launch, sends, hides, expert_sends, layer_launch,
     expert_launch, early, late) = curve
    mixture = part['mixtures'] > 0
    late = np.where(mixture & (part['release'] == LATE), late, 1)
    early = np.where(mixture & (part['release'] == EARLY), early, 1)
    device = (products * part['products'] + experts * part['experts']
              + attention * part['attention'] + elementwise * part['elementwise']
              + sends * part['tensor'] + expert_sends * part['expert'])
    host = (launch * part['kernels'] + layer_launch * part['mixtures']
            + expert_launch * part['calls'])
    round_ = late * (device**4 + (early * host)**4)**.25 + sends * part['stage']
    weights = np.maximum(0, part['weight'] - hides * round_) + .05 * part['weight']
    data = np.maximum(0, part['data'] - hides * round_) + .1 * part['data']
    return part['rounds'] * (round_ + weights) + data + part['optimizer']


def fit(table, rows):
    pull = np.repeat(np.repeat(PULL, table.sizes), len(START))
    return least_squares(lambda x: np.concatenate([table.residuals(x)[rows], pull * x]),
                         np.zeros(len(pull)), loss='soft_l1', f_scale=.05).x


def figures(left):
    errors = np.abs(np.exp(left) - 1)
    return f'median {np.median(errors):6.1%}  p90 {np.quantile(errors, .9):6.1%}'


def factor_of(left, apart):
    """Between what four of five rows of the fit lie within, and of groups left out."""
    if not len(left):
        return None
    sizes = [np.quantile(np.abs(each), .8) for each in (left, apart)]
    return max(1.05, np.exp(np.mean(sizes)))


def written(table, x, left, apart):
    every, engine, kind, pair = table.terms(x)
    unseen = np.exp(np.quantile(np.abs(apart), .8)) * 1.3
    mixture = table.parts['mixtures'] > 0
    lines = ['constexpr EngineRow rows[] = {']
    for e, engine_name in [(None, 'Any'), *enumerate(table.engine_names)]:
        for k, kind_name in [(None, 'Other'), *enumerate(table.kind_names)]:
            log = START + every[0]
            log = log + (engine[e] if e is not None else 0) + (kind[k] if k is not None else 0)
            some = np.full(len(left), False)
            if (e, k) in table.pairs:
                at = table.pairs.index((e, k))
                log = log + pair[at]
                some = table.pair == at
            factors = [factor_of(left[some & is_one], apart[some & is_one]) or unseen
                       for is_one in (~mixture, mixture)]
            values = ', '.join(f'{value:.3g}' for value in np.exp(log))
            lines.append(f'    {{Engine::{ENGINES.get(engine_name, engine_name)}, '
                         f'ChipClass::{kind_name}, {{{values}}}, {factors[0]:.3g}, '
                         f'{factors[1]:.3g}}},')
    return '\n'.join(lines) + '\n};\n'


def main():
    folder = Path(os.environ['HWA_TEST_DATA']) / 'ground-truth'
    table = Table(sys.argv[1], folder)
    everything = np.full(len(table.seconds), True)
    x = fit(table, everything)
    left = table.residuals(x)
    for at, (e, k) in enumerate(table.pairs):
        some = table.pair == at
        print(f'{table.engine_names[e]:10} {table.kind_names[k]:10} {some.sum():4}  '
              f'{figures(left[some])}')
    print('all', figures(left))
    groups = np.random.default_rng(0).permutation(np.unique(table.groups))
    apart = np.zeros(len(left))
    for fifth in range(5):
        out = np.isin(table.groups, groups[fifth::5])
        apart[out] = table.residuals(fit(table, ~out))[out]
    print('with a fifth of the groups left out', figures(apart))
    if '--write' in sys.argv:
        path = Path(__file__).parents[2] / 'lib' / 'plan' / 'time' / 'training.cpp'
        text = path.read_text()
        before, after = text.index('// begin of fitted\n'), text.index('// end of fitted')
        path.write_text(text[:before] + '// begin of fitted\n' + written(table, x, left, apart)
                        + text[after:])


if __name__ == '__main__':
    main()
