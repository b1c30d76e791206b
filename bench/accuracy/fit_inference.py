#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits lib/plan/time/paces.csv to the tables throughput_single and serving.

    fit_inference.py LIBFIT-PACES.SO [--write] [--leave device|model|table|group]

A constant is a default times factors, one for each level of what it may depend on: engine,
backend, class of chip, bits of a weight, traits of the run. Each level is drawn towards 1 by its
width, so that what few rows tell stays near to what many tell. Robust least squares of the
logarithm of times, by the library's own functions, whose constants are set between calls.
`--leave` fits without one fold of devices, models, tables or groups of rows after the other, and
prints the errors on what was left out. `--write` takes the error factors from groups left out.
"""

import argparse
import collections
import csv
import json
import os
import sys
from pathlib import Path

import numpy as np

from library import Library, Refused
from tables import serving, throughput_single

HERE = Path(__file__).parent
CSV = HERE.parents[1] / 'lib' / 'plan' / 'time' / 'paces.csv'
ENGINES = ['', 'llama.cpp', 'vllm', 'sglang', 'tensorrt-llm', 'transformers', 'mlx']
BACKENDS = ['', 'cuda', 'rocm', 'vulkan', 'metal', 'sycl', 'cpu']
CHIPS = ['hopper', 'blackwell', 'ada', 'blackwell_gddr', 'xe2', 'ampere_hbm', 'ampere_gddr',
         'older', 'amd_hbm', 'amd_gddr', 'tpu', 'other']
TRAITS = ['plain_attention', 'no_graphs', 'latent', 'experts', 'unified', 'network', 'plain_blas',
          'amdvlk', 'apart', 'packed']
# Levels of each pace: what they go by, with the width of their factors (of the logarithm).
# V is the engine with its version, as 'vllm 0.19.0'.
E, V, B, C, W, U = 'engine', 'version', 'backend', 'chip', 'bits', 'unified'
LEVELS = {
    'memory': [((E, B), .3), ((E, B, W), .1), ((E, B, C), .15), ((E, B, C, U), .1),
               ((E, B, C, 'experts'), .1), ((E, B, 'packed'), .3)],
    'compute': [((E, B, W), .5), ((E, B, C), .3), ((E, B, C, U), .3),
                ((E, B, 'no_graphs'), .2), ((E, B, 'network'), .7), ((E, B, W, 'amdvlk'), .7),
                ((E, B, W, 'plain_blas'), 1), ((E, B, 'packed'), .3), ((V, B), .2)],
    'rows': [((E, B), .7), ((E, B, W), .4), ((E, B, C), .4)],
    'vector': [((E, B), .7), ((E, B, W), .4), ((E, B, C), .4)],
    'variety': [((E,), .15)],
    'expert_memory': [((E, B), .15), ((E, B, C), .2), ((E, B, C, U), .2), ((E, B, 'packed'), .3)],
    'expert_compute': [((E, B), .5), ((E, B, W), .15), ((E, B, C), .3), ((E, B, C, U), .3),
                       ((E, B, 'packed'), .3)],
    'expert_rows': [((E, B), .7), ((E, B, C), .4)],
    'skew': [((E, B), .7)],
    'cache_memory': [((E, B), .5), ((E, B, C), .3), ((E, B, 'latent'), .5), ((E, B, C, U), .3)],
    'prompt_attention': [((E, B), .5), ((E, B, C), .4), ((E, B, 'latent'), .5),
                         ((E, B, C, U), .4), ((E, B, 'amdvlk'), .5),
                         ((E, B, 'plain_attention'), .5)],
    'token_attention': [((E, B), .4), ((E, B, C), .3)],
    'scores': [((E, B), .5)],
    'scan': [((E, B), 1), ((E, B, C), .7)],
    'copies': [((E, B), .5)],
    'layer': [((E, B), .7), ((E, B, C), .4), ((E, B, 'experts'), .2), ((E, B, 'no_graphs'), .7),
              ((E, B, C, U), .3),
              ((V, B), .3)],
    'dispatch': [((E, B), .7), ((E, B, W), .4), ((E, B, C), .3), ((E, B, C, W), .3)],
    'expert_layer': [((E, B), .7), ((E, B, C), .3)],
    'expert_call': [((E, B), .7)],
    'recurrent_layer': [((E, B), .7), ((E, B, C), .3)],
    'latent_layer': [((E, B), .7), ((E, B, C), .4)],
    'index_layer': [((E, B), .7)],
    'step': [((E, B), .7), ((E, B, C), .5)],
    'sequence': [((E, B), .7), ((E, B, C), .4), ((E, B, 'experts'), .3)],
    'hop': [((E, B), .7), ((E, B, 'network'), .7)],
    'reduce': [((E, B), .5), ((E, B, C), .4)],
    'reduce_link': [((E, B), .4), ((E, B, C), .3)],
    'exchange': [((E, B), .5)],
    'exchange_link': [((E, B), .5)],
    'overlap': [((E, B), .5)],
    'interleave': [((E, B), .2), ((E, B, C), .1)],
    'arrival': [((E, B), .7), ((E, B, C), .4), ((E, B, 'apart'), .7), ((V, B), .5)],
    'wait': [((E, B), .5), ((E, B, C), .3)],
    'prompt': [((E, B), .3), ((E, B, C), .2), ((E, B, 'experts'), .2), ((E, B, 'apart'), .5),
               ((V, B), .3)],
    'burst': [((E, B), .7), ((E, B, C), .3), ((E, B, 'apart'), .7), ((V, B), .5)],
    'queue': [((E, B), .7), ((E, B, C), .3), ((E, B, 'apart'), .7)],
    'token_error': [],
    'prompt_error': [],
}
# The constants, apart for each number of bits where a level goes by it.
PROBES = [(pace, bits) for pace, levels in LEVELS.items() if levels
          for bits in ((4, 8, 16) if any(W in parts for parts, _ in levels) else (0,))]
ROBUST = .2  # residuals beyond this count less


class Measure:
    """One measured time, and how the library is asked for it."""

    def __init__(self, row, kind, seconds, call, setting, weight=1):
        self.row, self.kind, self.seconds, self.call = row, kind, seconds, call
        self.setting, self.weight = setting, weight


class Recorder(Library):
    """Keeps what a plan was asked with, so that it can be asked again with other constants."""

    def plan(self, system, model, pins, devices=None, **workload):
        options, kept = self.options(system, pins, devices, **workload)
        self.last = Call(self, (system, model, options), kept)
        self.last.seconds()


class Call:
    def __init__(self, library, arguments, kept):
        self.library, self.arguments, self.kept = library, arguments, kept
        self.info = library._struct('hwa_plan_info_t')
        self.out, self.error = library.ffi.new('hwa_plan_t **'), library.ffi.new('hwa_error_t *')

    def seconds(self):
        """Until the first token, and between tokens."""
        lib = self.library.lib
        if lib.hwa_plan(*self.arguments, self.out, self.error) != lib.HWA_OK:
            raise Refused(self.library.text(self.error.message))
        lib.hwa_plan_info(self.out[0], self.info)
        found = self.info.first_token_seconds, self.info.token_seconds
        lib.hwa_plan_free(self.out[0])
        return found


def singles(library, folder, engines):
    asker = throughput_single.Asker(library, folder)
    rows = json.loads((folder / 'throughput_single.json').read_text())['rows']
    for row in rows:
        if not row.get('tokens_per_s') or not chosen(
                throughput_single.ENGINES.get(row['engine'], 'llama.cpp'), engines):
            continue
        try:
            asker.plan(row)
        except (Refused, KeyError, TypeError):
            continue
        phase, batch = row['phase'], row['batch']
        tokens = row.get('tokens') or row.get('prompt_tokens') or 512
        if phase.startswith('pp'):
            kind, seconds = 'prompt', batch * tokens / row['tokens_per_s']
        elif phase == 'total':
            kind = 'total'
            seconds = (row['prompt_tokens'] + row['gen_tokens']) / row['tokens_per_s']
        elif throughput_single.whole(row):
            kind, seconds = 'answer', row['gen_tokens'] / row['tokens_per_s']
        else:
            kind, seconds = 'token', batch / row['tokens_per_s']
        case = throughput_single.Case(row, asker.sheets)
        unsure = row.get('quality') == 'crowd' or asker.assumed
        yield Measure(row, kind, seconds, library.last, traits_of(case.pins(), case.environment),
                      .1 if unsure else 1)


def chosen(engine, engines):
    return not engines or engine in engines


def servings(library, folder, engines):
    asker = serving.Asker(library, folder)
    for row in json.loads((folder / 'serving.json').read_text())['rows']:
        if serving.unstated(row) or not chosen(serving.ENGINES[row['backend']], engines):
            continue
        try:
            asker.plan(row)
        except (Refused, KeyError, TypeError):
            continue
        setting = traits_of(asker.pins(row, 1), '')
        yield Measure(row, 'token', row['tpot_ms'] / 1e3, library.last, setting)
        yield Measure(row, 'first', row['ttft_ms'] / 1e3, library.last, setting, 1.5)


def traits_of(pins, environment):
    """Those that pins tell; what follows of the model and the device is found by trying."""
    return {'plain_attention': not pins.get('flash_attention', True),
            'no_graphs': not pins.get('graphs', True), 'network': bool(pins.get('network')),
            'plain_blas': not pins.get('tuned_products', True), 'amdvlk': 'amdvlk' in environment,
            'apart': 'prefill_workers' in pins, 'engine': pins['engine'],
            'version': f"{pins['engine']} {pins['engine_version']}"
                       if 'engine_version' in pins else ''}


def value(measure, seconds):
    first, token = seconds
    if measure.kind in ('total', 'answer'):
        return first + measure.row['gen_tokens'] * token
    return token if measure.kind == 'token' else first


class Fit:
    def __init__(self, library, measures):
        library.ffi.cdef('''void fit_clear(void);
            int32_t fit_add(const char *, int32_t, int32_t, int32_t, int32_t, uint32_t, double);
            void fit_version(int32_t, const char *);
            void fit_set(int32_t, double);''', override=True)
        self.library, self.lib = library, library.lib
        self.measures = measures
        self.classify()
        self.levels()

    def add(self, pace, key, factor=1.0):
        engine, backend, chip, bits, traits = key
        bit = sum(1 << TRAITS.index(trait) for trait in traits)
        index = self.lib.fit_add(pace.encode(), engine_of(engine), BACKENDS.index(backend),
                                 CHIPS.index(chip) if chip else -1, bits, bit, factor)
        self.lib.fit_version(index, engine.partition(' ')[2].encode())
        return index

    def moves(self, key, measure):
        """Whether the time depends on factors of that key."""
        self.lib.fit_clear()
        before = value(measure, measure.call.seconds())
        for pace in ('memory', 'layer'):
            self.add(pace, key, 1.5)
        return value(measure, measure.call.seconds()) != before

    def classify(self):
        known = {}
        for measure in self.measures:
            place = (measure.setting['engine'], str(measure.row.get('gpu') or
                     measure.row.get('system')), measure.row.get('backend'),
                     measure.row.get('model') or measure.row.get('model_desc'))
            if place not in known:
                found = {B: '', C: ''}
                for name in BACKENDS[1:]:
                    if self.moves(('', name, '', 0, ()), measure):
                        found[B] = name
                for name in CHIPS:
                    if self.moves(('', '', name, 0, ()), measure):
                        found[C] = name
                for name in ('latent', 'experts', 'unified', 'packed'):
                    found[name] = self.moves(('', '', '', 0, (name,)), measure)
                known[place] = found
            measure.setting = measure.setting | known[place]

    def levels(self):
        """All keys that the measures have, by pace."""
        found = {}
        for measure in self.measures:
            setting = measure.setting
            for pace, levels in LEVELS.items():
                for parts, width in levels:
                    traits = tuple(part for part in parts if part in TRAITS)
                    if not all(setting.get(trait) for trait in traits) or \
                            V in parts and not setting[V]:
                        continue
                    for bits in (4, 8, 16) if W in parts else (0,):
                        key = (setting[E] if E in parts else setting[V] if V in parts else '',
                               setting[B] if B in parts else '',
                               setting[C] if C in parts else '', bits, traits)
                        found.setdefault((pace, key), width)
        order = list(LEVELS)
        self.keys = sorted(found, key=lambda key: (order.index(key[0]), engine_of(key[1][0]),
                                                   key[1]))
        self.width = np.array([found[key] for key in self.keys])
        self.log = np.zeros(len(self.keys))
        self.load()
        self.uses()

    def load(self, probe=None, factor=1.0):
        """Sets the table of the library, with one constant of all settings times `factor`."""
        self.lib.fit_clear()
        for (pace, key), log in zip(self.keys, self.log):
            if probe and probe[0] == pace:
                self.add(pace, ('', '', '', probe[1], ()), factor)
                probe = None
            assert self.add(pace, key, float(np.exp(log))) >= 0, pace

    def applies(self, key, setting):
        engine, backend, chip, _, traits = key
        return (engine in ('', setting[E], setting[V]) and backend in ('', setting[B]) and
                chip in ('', setting[C]) and all(setting.get(trait) for trait in traits))

    def uses(self):
        """For each measure the constants that its time depends on, as indices into PROBES."""
        base = self.predict()
        self.moved = [[] for _ in self.measures]
        for index, probe in enumerate(PROBES):
            for at in self.probed(probe, 1.1, base):
                self.moved[at].append(index)
        self.design = [[] for _ in PROBES]
        for column, (pace, key) in enumerate(self.keys):
            rows = np.array([self.applies(key, measure.setting) for measure in self.measures])
            for index, probe in enumerate(PROBES):
                if probe[0] == pace and (key[3] in (0, probe[1]) or probe[1] == 0):
                    self.design[index].append((column, rows))

    def probed(self, probe, factor, base):
        self.load(probe, factor)
        now = self.predict()
        self.load()
        return np.flatnonzero(now != base)

    def slopes(self, mask, now):
        """Derivatives of the logarithms of times by those of factors. All factors of a constant
        move it alike, so that each constant is tried once."""
        slope = np.zeros((len(self.measures), len(self.keys)))
        wanted = [[at for at, moved in enumerate(self.moved) if index in moved and mask[at]]
                  for index in range(len(PROBES))]
        for index, probe in enumerate(PROBES):
            if not wanted[index]:
                continue
            self.load(probe, float(np.exp(.01)))
            column = np.zeros(len(self.measures))
            for at in wanted[index]:
                measure = self.measures[at]
                column[at] = (np.log(value(measure, measure.call.seconds())) - now[at]) / .01
            for key, rows in self.design[index]:
                slope[:, key] += column * rows
        self.load()
        return slope

    def predict(self, which=None):
        which = self.measures if which is None else which
        return np.array([value(measure, measure.call.seconds()) for measure in which])

    def run(self, mask, steps=7, quiet=True):
        """Least squares over the measures where `mask` is true."""
        measured = np.log([measure.seconds for measure in self.measures])
        groups = collections.Counter((m.row['group'], m.kind) for m in self.measures)
        weight = np.array([m.weight / groups[m.row['group'], m.kind] ** .4
                           for m in self.measures]) * mask
        prior = np.diag((.2 / self.width) ** 2)
        for step in range(steps):
            now = np.log(self.predict())
            slope = self.slopes(mask, now)
            left = measured - now
            # What counts is the error relative to the measurement, which grows with the estimate.
            pull = weight / np.maximum(1, np.abs(left) / ROBUST) * np.clip(np.exp(-left), .4, 2)
            normal = slope.T @ (slope * pull[:, None]) + prior
            change = np.linalg.solve(normal, slope.T @ (pull * left) - prior @ self.log)
            self.log += np.clip(change, -.7, .7)
            self.load()
            if not quiet:
                print(f'step {step}: median {np.median(np.abs(np.exp(left) - 1)):.2%}',
                      file=sys.stderr, flush=True)
        return np.log(self.predict()) - measured


# As lib/plan/run.h numbers them.
ENGINE_VALUES = {name: at for at, name in enumerate(
    ('', 'llama.cpp', 'vllm', 'sglang', 'tensorrt-llm', 'transformers', 'mlx'))}


def engine_of(name):
    return ENGINE_VALUES[name.partition(' ')[0]]


def table_of(measure):
    return 'serving' if 'tpot_ms' in measure.row else measure.row['id'].split('-')[0]


def show(name, fit, left):
    """Errors by table and kind, and over all of each kind; of speeds, but times for serving."""
    parts = collections.defaultdict(list)
    for at, measure in enumerate(fit.measures):
        table = table_of(measure)
        sign = 1 if table == 'serving' else -1
        parts[table, measure.setting[E], measure.setting[B], measure.kind].append(sign * left[at])
        if table != 'serving':
            crowd = 'crowd' if measure.row.get('quality') == 'crowd' else 'single'
            kind = 'prompts' if measure.kind == 'prompt' else 'tokens'
            parts['~all', crowd, kind].append(sign * left[at])
    for part, values in sorted(parts.items()):
        errors = np.abs(np.exp(values) - 1)
        print(f'{name:<8} {" ".join(part):<42} {len(values):>5}  median {np.median(errors):7.2%} '
              f'mean {errors.mean():8.2%} p90 {np.quantile(errors, .9):8.2%} '
              f'bias {np.median(values):+.2f}', flush=True)


def name_of(measure, what):
    row = measure.row
    if what == 'table':
        return table_of(measure)
    if what == 'group':
        return row['group']
    if what == 'model':
        return row.get('model') or row.get('model_desc')
    return row.get('gpu') or row.get('system')


def leave_out(fit, what, folds, steps):
    """The residuals of each measure by a fit that has not seen its device, model or table."""
    names = sorted({name_of(measure, what) for measure in fit.measures})
    place = {name: at % folds for at, name in enumerate(names)}
    fold = np.array([place[name_of(measure, what)] for measure in fit.measures])
    left = np.zeros(len(fit.measures))
    for at in range(folds):
        fit.log[:] = 0
        fit.load()
        unseen = fold == at
        left[unseen] = fit.run(~unseen, steps)[unseen]
    show(f'no {what}', fit, left)
    return left


def kept(engines):
    """Rows of the other engines."""
    if not engines:
        return []
    with open(CSV, encoding='utf-8', newline='') as file:
        return [tuple(row.values()) for row in csv.DictReader(file)
                if row['engine'].partition(' ')[0] not in engines]


def write(rows, fields=('pace', 'engine', 'backend', 'chip', 'bits', 'traits', 'factor')):
    with open(CSV, 'w', encoding='utf-8', newline='') as file:
        out = csv.writer(file, lineterminator='\n')
        out.writerow(fields)
        order = list(LEVELS)
        out.writerows(sorted(rows, key=lambda row: (order.index(row[0]), engine_of(row[1]))))


# Levels of the error factors; those of few rows stay near to what the levels above them say.
ERRORS = ((E, B), (E, B, C), (E, B, 'experts'), (E, B, C, U), (E, B, 'network'),
          (E, B, 'plain_blas'), (E, B, 'amdvlk'), (E, B, 'latent'), (E, B, 'no_graphs'),
          (E, B, 'apart'))
FEW = 30


# Of what was left out. Of what was fitted they hold more; 80 % lie between the two.
HELD = .78


def error_rows(fit, left):
    """What HELD of the times stay within, by engine, backend, class and traits: rows of the
    table. Submissions of users, whose rows nobody has checked, do not count."""
    made = []
    for pace, kinds, base in (('token_error', ('token', 'total', 'answer'), 2),
                              ('prompt_error', ('prompt', 'first'), 3)):
        which = [at for at, measure in enumerate(fit.measures) if measure.kind in kinds and
                 measure.row.get('quality') != 'crowd']
        off = np.abs(left[which])
        stated = np.full(len(which), np.log(base))
        found = {}
        for _ in range(20):
            for parts in ERRORS:
                classes = collections.defaultdict(list)
                for at, index in enumerate(which):
                    setting = fit.measures[index].setting
                    traits = tuple(part for part in parts if part in TRAITS)
                    if all(setting.get(trait) for trait in traits):
                        key = (setting[E], setting[B], setting[C] if C in parts else '', traits)
                        classes[key].append(at)
                for key, rows in classes.items():
                    trust = len(rows) / (len(rows) + FEW) if len(parts) > 2 else 1
                    change = trust * .7 * np.quantile(off[rows] - stated[rows], HELD)
                    found[key] = found.get(key, 0) + change
                    stated[rows] += change
        print(f'{pace}: held {np.mean(off <= stated):.1%}, median {np.exp(np.median(stated)):.2f}')
        made += [(pace, *key[:3], '', ' '.join(key[3]), f'{np.exp(log):.4g}')
                 for key, log in sorted(found.items()) if abs(log) > .005]
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('library')
    parser.add_argument('--write', action='store_true')
    parser.add_argument('--engine', action='append', help='fit that one alone, keep the others')
    parser.add_argument('--leave', choices=('device', 'model', 'table', 'group'))
    parser.add_argument('--folds', type=int, default=5)
    parser.add_argument('--steps', type=int, default=7)
    arguments = parser.parse_args()
    folder = Path(os.environ['HWA_TEST_DATA']) / 'ground-truth'
    library = Recorder(arguments.library)
    fit = Fit(library, [*singles(library, folder, arguments.engine),
                        *servings(library, folder, arguments.engine)])
    print(f'{len(fit.measures)} times, {len(fit.keys)} factors', flush=True)
    if arguments.leave:
        leave_out(fit, arguments.leave, arguments.folds, arguments.steps)
        return
    everything = np.ones(len(fit.measures), bool)
    left = fit.run(everything, arguments.steps, quiet=False)
    show('fit', fit, left)
    if arguments.write:
        rows = [(pace, key[0], key[1], key[2], key[3] or '', ' '.join(key[4]),
                 f'{np.exp(log):.4g}')
                for (pace, key), log in zip(fit.keys, fit.log) if abs(log) > .02]
        rows += error_rows(fit, leave_out(fit, 'group', 5, 5))
        write(rows + kept(arguments.engine))


if __name__ == '__main__':
    main()
