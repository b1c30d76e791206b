# SPDX-License-Identifier: MIT
"""Bytes that llama.cpp's own allocator asked of each device."""

import json

import machines
from library import Refused
from score import Row, Score

TABLE = 'llamacpp_allocator'
# A card without figures of speed, and room for anything: only bytes are asked.
CARD = {'id': 'card', 'vendor': 'nvidia', 'cls': 'gpu', 'mem_gb_label': 1 << 20}


def plan(library, config, row):
    options = row['options']
    pins = {'engine': 'llama.cpp', 'ubatch': options['ub'], 'sequences': options['np'],
            'flash_attention': options['fa'] == 1, 'unified_cache': options['uni'] == 1,
            'pipeline_parallel': options['g']}
    return library.plan(library.system(machines.system([CARD] * options['g'])),
                        library.model(config), pins, recipe=row['ftype'], batch=1,
                        prompt_tokens=options['ub'], context_tokens=options['c'])


def scores(library, folder):
    table = json.loads((folder / f'{TABLE}.json').read_text())
    made = Score('llama.cpp allocator, per device', [], limits={'median': .001, 'p95': .01})
    for row in table['rows']:
        cards = [part for part in row['devices'].values() if not part['host']]
        if not cards:
            continue
        try:
            stages = plan(library, table['models'][row['model']], row)['stages']
        except (Refused, KeyError):
            made.refused += 1
            continue
        for index, (stage, part) in enumerate(zip(stages, cards)):
            use = stage['footprint']
            made.rows.append(Row(f'{row["id"]}/{index}', row['group'],
                                 use['weights'] + use['cache'] + use['activations'],
                                 part['model'] + part['context'] + part['compute']))
    return [made]
