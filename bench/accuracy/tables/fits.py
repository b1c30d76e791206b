# SPDX-License-Identifier: MIT
"""Runs that did or did not fit their devices: what the plan says of them."""

import json
import re

import machines
from library import Refused
from score import Row, Score
from tables import infer_memory

TABLE = 'throughput_single'
GIB = 2**30
# What drivers report of a card is less than its label: 23.55 of 24 GiB, 79.15 of 80, 15.77 of 16.
VISIBLE = .983
# GGUF recipes; the other formats by the names of infer_memory.
MIX = re.compile(r'^(I?Q\d[\w]*|F16|BF16)$')


def memory(row):
    found = re.search(r'(\d+) ?GB', row.get('gpu') or '', re.I)
    return int(found.group(1)) * GIB * VISIBLE if found else None


def llamacpp(library, models, row, size):
    if not MIX.match(row['quant']):
        raise KeyError(row['quant'])
    name = row.get('model_ref') or row['model']
    tokens = row.get('tokens') or 512
    work = {'recipe': row['quant']} if row['quant'] not in ('F16', 'BF16') else \
        {'weight_dtype': row['quant'].lower()}
    # Flash attention was off unless asked for when these were run, in 2024.
    pins = {'engine': 'llama.cpp', 'pipeline_parallel': row['n_gpus'],
            'flash_attention': not row['id'].startswith('gpubench')}
    return library.plan(infer_memory.system(library, row['n_gpus'], size),
                        models.of(name.split('/')[-1]), pins, batch=row.get('batch') or 1,
                        prompt_tokens=tokens, context_tokens=tokens + 64, **work)


def others(library, models, row, size):
    ways = {'vllm': 'tensor_parallel', 'sglang': 'tensor_parallel',
            'transformers': 'pipeline_parallel'}
    pins = {'engine': row['engine'], ways[row['engine']]: row['n_gpus']}
    if row['engine'] == 'transformers':
        pins['engine_version'] = '4.46.0'
    # The servers were given a context that holds the request, and more memory where they needed it.
    prompt, output = row['prompt_tokens'], row.get('gen_tokens') or 128
    if row['engine'] != 'transformers':
        pins |= {'memory_share': 1.0, 'ubatch': 2048}
    return library.plan(infer_memory.system(library, row['n_gpus'], size),
                        models.of(row['model']), pins, prompt_tokens=prompt, output_tokens=output,
                        context_tokens=prompt + output, **infer_memory.workload(row))


def plan(library, models, row):
    size = memory(row)
    if not size or not row.get('quant') or re.match(r'M\d|Apple', row['gpu']):
        raise KeyError('no memory or no format')
    if row.get('engine') == 'llama.cpp':
        return llamacpp(library, models, row, size)
    return others(library, models, row, size)


def scores(library, folder):
    rows = json.loads((folder / f'{TABLE}.json').read_text())['rows']
    models = infer_memory.Models(library, folder)
    fitted = Score('runs that fitted, said not to', [])
    failed = Score('runs out of memory, said to fit', [])
    for row in rows:
        if not row.get('oom') and not row.get('tokens_per_s'):
            continue
        score = failed if row.get('oom') else fitted
        try:
            plan(library, models, row)
            fits = True
        except Refused as refused:
            if ' short' not in str(refused):
                score.refused += 1
                continue
            fits = False
        except KeyError:
            score.refused += 1
            continue
        wrong = fits == bool(row.get('oom'))
        score.rows.append(Row(f'{row["id"]} {row.get("model")} {row.get("quant")} {row.get("gpu")}',
                              row['group'], 2 if wrong else 1, 1))
    return [fitted, failed]
