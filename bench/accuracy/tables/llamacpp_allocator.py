# SPDX-License-Identifier: MIT
"""Bytes that llama.cpp's own allocator asked of each device: all, and of the cache and buffers."""

import json

import machines
from library import Refused
from score import Row, Score

TABLE = 'llamacpp_allocator'
# A card without figures of speed, and room for anything: only bytes are asked.
CARD = {'id': 'card', 'vendor': 'nvidia', 'cls': 'gpu', 'mem_gb_label': 1 << 20}
HOST = {'id': 'host', 'cls': 'cpu', 'mem_gb_label': 1 << 20}
# What the three parts of a row are called in a footprint.
PARTS = {'model': 'weights', 'context': 'cache', 'compute': 'activations'}


def plan(library, config, row):
    options = row['options']
    pins = {'engine': 'llama.cpp', 'ubatch': options['ub'], 'sequences': options['np'],
            'flash_attention': options['fa'] == 1, 'unified_cache': options['uni'] == 1,
            'pipeline_parallel': max(options['g'], 1), 'key_dtype': options['ctk'],
            'value_dtype': options['ctv']}
    sheets = [CARD] * options['g'] or [HOST]
    return library.plan(library.system(machines.system(sheets)), library.model(config), pins,
                        recipe=row['ftype'], batch=1, prompt_tokens=options['ub'],
                        context_tokens=options['c'])


def pairs(row, stages):
    """(name, footprint, bytes by part) of each device, and of the host where it only helps."""
    cards = {name: part for name, part in row['devices'].items() if name.startswith('GPU')}
    rest = [part for name, part in row['devices'].items() if name not in cards]
    host = {part: sum(device[part] for device in rest) for part in PARTS}
    made = [(name, stage['footprint'], part)
            for stage, (name, part) in zip(stages, sorted(cards.items()))]
    return made or [('CPU', stages[0]['footprint'], host)], host if made else None


def scores(library, folder):
    table = json.loads((folder / f'{TABLE}.json').read_text())
    every = Score('llama.cpp allocator, per device', [])
    parts = {part: Score(f'llama.cpp allocator, {part}', [])
             for part in PARTS}
    host_score = Score('llama.cpp allocator, host', [])
    for row in table['rows']:
        try:
            made = plan(library, table['models'][row['model']], row)
        except (Refused, KeyError):
            every.refused += 1
            continue
        factor = made['memory_error_factor']
        devices, host = pairs(row, made['stages'])
        for name, use, measured in devices:
            label = f'{row["id"]}/{name} {row["model"]}'
            every.rows.append(Row(label, row['group'], sum(use[key] for key in PARTS.values()),
                                  sum(measured[part] for part in PARTS), factor))
            for part, key in PARTS.items():
                if measured[part]:
                    parts[part].rows.append(Row(label, row['group'], use[key], measured[part]))
        if host:
            host_score.rows.append(Row(f'{row["id"]}/CPU {row["model"]}', row['group'],
                                       made['stages'][0]['footprint']['offload'],
                                       sum(host.values())))
    return [every, *parts.values(), host_score]
