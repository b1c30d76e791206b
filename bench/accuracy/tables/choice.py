# SPDX-License-Identifier: MIT
"""What the planner would choose among the configurations that a table measured of one system.

Rows that differ only in how a system was used make a group. Of a group the planner takes the one
that it predicts to be best; the error is what that one lacks to the best that was measured. Rows
that it cannot tell apart count as one, with the median of what they measured; of predictions that
are equal any may be taken. Beside it stands what taking any one of the group costs on average.

Where the search can be asked with all of that left open, its answer is judged too if it is one of
those that were measured; else the group counts as refused.
"""

import collections
import functools
import json
from dataclasses import dataclass
from statistics import fmean, median

import training
from kernel_times import sheets
from library import Refused
from score import Row, Score
from tables import serving, throughput_single, train_throughput

DEGREES = ('tensor', 'pipeline', 'context', 'data', 'expert')
VISIBLE = .98  # of a card's memory, by its driver
TABLES = (serving.TABLE, throughput_single.TABLE, train_throughput.TABLE)


@dataclass
class Case:
    """One measured row: more is better."""
    system: tuple  # what is given: rows of the same make a group
    chosen: tuple  # what is chosen
    predicted: float
    measured: float
    layout: tuple = ()  # as a search would answer
    search: object = None  # asks for one


def rows_of(folder, table):
    path = folder / f'{table}.json'
    return json.loads(path.read_text())['rows'] if path.exists() else []


def columns(row, names):
    return tuple(row.get(name) for name in names.split())


def answer_rate(row, first, token):
    """Tokens a second of all answers of a server under steady load."""
    return row['osl'] / (first + (row['osl'] - 1) * token)


def serving_cases(library, folder):
    """Splits of as many devices under the same load, and of any number of them."""
    asker = serving.Asker(library, folder)
    given = 'model system backend backend_version precision mode isl osl gemm moe'
    for row in rows_of(folder, serving.TABLE):
        if serving.unstated(row):
            continue
        try:
            model, weights = asker.model(row)
            fewest = asker.fewest(model, weights, asker.sheets.named(row['system']))
            pins = asker.pins(row, fewest)
            load = asker.batch(row, pins)
            speed = asker.plan(row)['speed']
        except (Refused, KeyError):
            yield 'servers, split', None
            continue
        devices = pins['tensor_parallel'] * pins.get('data_parallel', 1) + \
            pins.get('prefill_workers', 0) * pins.get('prefill_tensor_parallel', 0)
        predicted = answer_rate(row, speed['first_token_seconds'], speed['token_seconds'])
        measured = answer_rate(row, row['ttft_ms'] / 1e3, row['tpot_ms'] / 1e3)
        key, chosen = columns(row, given), tuple(sorted(pins.items()))
        yield 'servers, split', Case((*key, load, devices), chosen, predicted, measured)
        yield 'servers, devices', Case((*key, load), (devices, *chosen), predicted, measured)
        each = load / devices
        yield 'servers, load', Case(key, (load, *chosen), predicted * each, measured * each)


def single_cases(library, folder):
    """Backends, batches of prompts, attention and numbers of devices of one machine."""
    asker = throughput_single.Asker(library, folder)
    given = ('engine model model_desc size_text quant gpu gpu_cores vram_gb phase tokens depth '
             'batch prompt_tokens gen_tokens n_ctx n_kv')
    for row in rows_of(folder, throughput_single.TABLE):
        if not row.get('tokens_per_s') or row.get('quality') == 'crowd':
            continue
        try:
            case = throughput_single.Case(row, asker.sheets)
            predicted, _ = asker.predicted(row, asker.plan(row)['speed'])
        except (Refused, KeyError, TypeError):
            yield f'one machine, {throughput_single.kind(row)}s', None
            continue
        chosen = (*sorted(case.pins().items()), 'amdvlk' in case.environment)
        name = f'one machine, {throughput_single.kind(row)}s'
        yield name, Case(columns(row, given), chosen, predicted, row['tokens_per_s'])


def shape(config):
    """What tells models of the same name apart."""
    return tuple(value for key, value in sorted(config.items()) if isinstance(value, int))


def training_cases(library, folder):
    """Layouts, micro-batches and recomputing of one number of devices."""
    for row, run in training.read(folder):
        try:
            seconds = train_throughput.speed_of(library, run).get('step_seconds') if run else None
        except Refused:
            seconds = None
        if not seconds:
            yield 'training', None
            continue
        given = (row['framework'], row['model'], shape(run.config), run.sheet, run.devices,
                 run.pins['compute_dtype'], run.workload['sequence_tokens'],
                 run.workload.get('mode'))
        chosen = tuple(sorted({**run.pins, **run.workload}.items()))
        yield 'training', Case((*given, run.pins['global_batch']), chosen, run.tokens / seconds,
                               run.tokens / run.step, layout_of(run.pins),
                               functools.partial(searched, library, run))


def layout_of(pins):
    return tuple(pins.get(f'{name}_parallel', 1) for name in DEGREES)


def searched(library, run, shared):
    """The layout that a search over the run's devices finds best, with what all rivals share."""
    room = int(sheets()[run.sheet]['mem_gb_label'] * 2**30 * VISIBLE)
    pins = {name: run.pins[name] for name in ('global_batch', 'compute_dtype')} | shared
    work = {name: run.workload[name] for name in ('mode', 'sequence_tokens')
            if name in run.workload}
    found = library.plan(train_throughput.system(library, run, room), library.model(run.config),
                         pins, **{'mode': 1} | work)
    if 'parallel' not in found or found['training']['global_batch'] != run.pins['global_batch']:
        raise KeyError('another task')
    return tuple(found['parallel'][name] for name in DEGREES)


def in_common(members):
    """Pins of the degrees in which no two of a group differ."""
    shared = zip(DEGREES, zip(*(member.layout for member in members)))
    return {f'{name}_parallel': column[0] for name, column in shared
            if len(set(column)) == 1}


def answers(name, cases):
    """The score of what a search answers, with the best of what was measured of its degrees."""
    made = Score(f'choice: {name}, searched', [])
    for system, members in grouped(cases).items():
        if len({member.layout for member in members}) < 2 or members[0].search is None:
            continue
        try:
            answer = members[0].search(in_common(members))
        except (Refused, KeyError):
            made.refused += 1
            continue
        same = [member.measured for member in members if member.layout == answer]
        best = max(member.measured for member in members)
        if same:
            label = label_of(system)
            made.rows.append(Row(f'{label}: {answer}', label, max(same), best))
        else:
            made.refused += 1
    return [made] if made.rows or made.refused else []


def label_of(system):
    return ' '.join(str(part) for part in system if part is not None and type(part) is not tuple)


def grouped(cases):
    groups = collections.defaultdict(list)
    for case in filter(None, cases):
        groups[case.system].append(case)
    return groups


def merged(cases):
    """Cases of a group with one for each choice: what the planner cannot tell apart."""
    found = collections.defaultdict(list)
    for case in cases:
        found[case.chosen].append(case)
    return [Case(same[0].system, chosen, same[0].predicted, median(one.measured for one in same))
            for chosen, same in found.items()]


def judged(name, cases):
    """The score of what is predicted to be best, and that of any choice; None is a row refused."""
    made = Score(f'choice: {name}', [], cases.count(None))
    blind = Score(f'choice: {name}, at random', [])
    for system, members in grouped(cases).items():
        options = merged(members)
        if len(options) < 2:
            continue
        best = max(option.measured for option in options)
        top = max(option.predicted for option in options)
        picked = [option for option in options if option.predicted == top]
        label = label_of(system)
        told = f'{label} of {len(options)}: {picked[0].chosen}'
        made.rows.append(Row(told, label, fmean(one.measured for one in picked), best))
        blind.rows.append(Row(label, label, fmean(one.measured for one in options), best))
    return made, blind


def scores(library, folder):
    kinds = collections.defaultdict(list)
    for make in (serving_cases, single_cases, training_cases):
        for name, case in make(library, folder):
            kinds[name].append(case)
    return [score for name, cases in kinds.items()
            for score in (*judged(name, cases), *answers(name, cases))]
