# SPDX-License-Identifier: MIT
"""Seconds of a step of MLPerf Training, whose submissions do not tell how they were laid out.

So the planner chooses: of the layouts that the logged accumulation of gradients leaves, the one
with the shortest step. Submissions multiply in the narrowest format that their round's software
could train in. Models that are no decoders, and runs that logged no step, are refused.
"""

import json

import machines
from library import Refused
from score import Row, Score
from sheets import Sheets
from tables.mlperf_inference import device

TABLE = 'mlperf_training'
GPT3 = {'model_type': 'gpt2', 'n_layer': 96, 'n_embd': 12288, 'n_head': 96, 'vocab_size': 51200,
        'n_positions': 2048, 'n_inner': 49152, 'torch_dtype': 'bfloat16'}
# The benchmark -> its model, tokens of a sequence, and what its logs count by.
MODELS = {'llama2_70b_lora': ('meta-llama/Llama-2-70b-hf', 8192, 'sequences'),
          'llama31_8b': ('meta-llama/Meta-Llama-3.1-8B', 8192, 'sequences'),
          'llama31_405b': ('meta-llama/Meta-Llama-3.1-405B', 8192, 'tokens'),
          'gpt3': (GPT3, 2048, 'tokens')}
TUNED, RANK = ('llama2_70b_lora',), 16  # by adapters
ENGINES = {'nvidia': 'megatron', 'google': 'jax'}
# Rounds in which makers trained in 4 bits on chips that have them.
FOUR_BITS = ('5.1',)
GIGA = 1e9
NETWORK = 50  # GB/s one way for each device of a server, 400 Gbit/s


def powers(most):
    return [1 << power for power in range(most.bit_length()) if most % (1 << power) == 0]


def measured(row):
    """Seconds of a step, by the log."""
    if row.get('step_time_median_logged'):
        return row['step_time_median_logged']
    tokens, unit = MODELS[row['benchmark']][1:]
    each = tokens if unit == 'tokens' else 1
    return row['global_batch'] * each / row['throughput_median_logged']


def narrowest(row, sheet):
    """The format of products that a round's software trained in on that chip."""
    rates = sheet['dense_tflops']
    if row['round'] in FOUR_BITS and 'fp4' in rates and sheet['vendor'] == 'nvidia':
        return 'nvfp4'
    return 'f8_e4m3' if 'fp8' in rates else 'bf16'


def layouts(row):
    """What the batch and its accumulation leave: pins of replicas and splits, micro-batches."""
    devices, batch = row['n_accelerators'], row['global_batch']
    rounds, tuned = int(row.get('grad_accum') or 1), row['benchmark'] in TUNED
    for micro in (1, 2, 4):
        data = batch // (rounds * micro)
        if data < 1 or data * rounds * micro != batch or devices % data:
            continue
        split = devices // data
        for tensor in (count for count in (1, 2, 4, 8) if split % count == 0):
            for context in powers(split // tensor):
                stages = split // tensor // context
                if context <= 8 and (stages == 1 or not tuned):
                    yield {'tensor_parallel': tensor, 'context_parallel': context,
                           'pipeline_parallel': stages, 'data_parallel': data}, micro


class Asker:
    def __init__(self, library, folder):
        self.library, self.sheets, self.found = library, Sheets(folder), {}

    def sheet(self, row):
        name, _ = device(row['accelerator'].replace('SXM5', 'SXM'))
        return self.sheets.rows[{'h200_nvl': 'h200_sxm'}.get(name, name)]

    def model(self, row):
        model = MODELS[row['benchmark']][0]
        return self.library.known(model) if isinstance(model, str) else self.library.model(model)

    def system(self, row, sheet):
        """Machines with one port that carries what their network does."""
        each = int(row['accelerators_per_node'])
        rate = sheet.get('scaleup_link_gbs_per_dir', 0) * GIGA
        links = [(0, index, rate) for index in range(1, each)] if rate else []
        made = machines.system([sheet] * each, links)
        port = {'kind': 'infiniband', 'state': 'up', 'bytes_per_second': int(NETWORK * GIGA * each)}
        made['attrs'] = {f'network.0.{key}': {'value': value, 'source': 'table'}
                         for key, value in port.items()}
        return self.library.cluster(made, row['n_accelerators'] // each)

    def predicted(self, row):
        """Seconds of the shortest step, and its stated error."""
        sheet = self.sheet(row)
        key = (row['benchmark'], sheet['id'], row['n_accelerators'], row['accelerators_per_node'],
               row['global_batch'], row.get('grad_accum'), narrowest(row, sheet))
        if key not in self.found:
            self.found[key] = min(self.steps(row, sheet), default=None)
        if not self.found[key]:
            raise KeyError('no layout fits')
        return self.found[key]

    def steps(self, row, sheet):
        """Seconds and stated errors of the layouts that fit, computing again what they must."""
        tuned, model, system = row['benchmark'] in TUNED, self.model(row), self.system(row, sheet)
        work = {'sequence_tokens': MODELS[row['benchmark']][1], 'mode': 2 if tuned else 1}
        if tuned:
            work['rank'] = RANK
        common = {'engine': ENGINES.get(sheet['vendor'], 'torch'), 'distributed_optimizer': True,
                  'compute_dtype': narrowest(row, sheet), 'global_batch': row['global_batch']}
        for split, micro in layouts(row):
            pins = common | split | {'sequence_parallel': split['tensor_parallel'] > 1}
            for recompute in (1, 2, 3):
                try:
                    speed = self.library.plan(system, model, pins, micro_batch=micro,
                                              recompute=recompute, **work)['speed']
                except Refused:
                    continue
                if speed.get('step_seconds'):
                    yield speed['step_seconds'], speed['error_factor']
                break


def scores(library, folder):
    asker = Asker(library, folder)
    made = {name: Score(f'MLPerf training: {name}', []) for name in MODELS}
    rest = Score('MLPerf training: no decoder', [])
    for row in json.loads((folder / f'{TABLE}.json').read_text())['rows']:
        score = made.get(row['benchmark'], rest)
        try:
            row = row | {'n_accelerators': int(row['n_accelerators'])}
            told = measured(row)
            seconds, factor = asker.predicted(row)
        except (Refused, KeyError, ValueError):
            score.refused += 1
            continue
        score.rows.append(Row(f'{row["id"]} {row["accelerator"]} {row["n_accelerators"]}',
                              row['group'], seconds, told, factor))
    return [*made.values(), rest]
