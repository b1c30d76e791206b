#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits what lib/plan/memory/reserve.cpp adds to the memory of training, and prints how well groups
of rows are told that were left out.

    fit_training.py LIBHWA.SO

Tables are those of the folder that HWA_TEST_DATA names.
"""

import json
import os
import sys
from pathlib import Path

from library import Library, Refused
from score import quantile
from tables import train_memory, train_memory_megatron


def rows_of(module, folder):
    return json.loads((folder / f'{module.TABLE}.json').read_text())['rows']


def plain(library, models, row, framework):
    """Bytes without what is fitted, of all devices, and how many these are."""
    ask = train_memory.Asker(library, models, row)
    made = []
    ask.most = lambda: made.append(ask.plan()) or (0, 0)
    measured = train_memory.SOURCES[framework](ask)[1]
    ask.pins['allocated_only'] = True
    used = max(stage['footprint']['total'] for stage in ask.plan()['stages'])
    count = ask.devices if framework.startswith('Qwen') else 1
    return used, measured / count


def report(name, rows, values, predict):
    """`rows` are groups, bytes used and measured; the value that fits all, and errors of groups
    that it was not fitted to."""
    def errors(value, some):
        return [abs(predict(value, used) / measured - 1) for _, used, measured in some]

    def fitted(some):
        return min(values, key=lambda value: sum(errors(value, some)))

    left_out = []
    for group in {group for group, _, _ in rows}:
        value = fitted([row for row in rows if row[0] != group])
        left_out += errors(value, [row for row in rows if row[0] == group])
    value = fitted(rows)
    inside = errors(value, rows)
    print(f'{name}: {value:g}; median {quantile(inside, .5):.1%}, p90 {quantile(inside, .9):.1%}; '
          f'groups left out: median {quantile(left_out, .5):.1%}, p90 {quantile(left_out, .9):.1%}')


def fit_framework(library, folder, framework, name, values, predict):
    models = {row['id']: row['config']
              for row in json.loads((folder / 'models.json').read_text())['rows']}
    found = []
    for row in rows_of(train_memory, folder):
        if row['framework'].startswith(framework) and not row.get('oom'):
            try:
                found.append((row['group'], *plain(library, models, row, framework)))
            except (Refused, KeyError):
                continue
    report(name, found, values, predict)


def fit_megatron(library, folder, distributed):
    found = []
    for row in rows_of(train_memory_megatron, folder):
        said = row['args'].get('use-distributed-optimizer', False)
        if row['world_size_known'] and said == distributed:
            try:
                plan = train_memory_megatron.plan(library, row)
            except (Refused, KeyError, TypeError):
                continue
            use = plan['stages'][-1]['footprint']
            rest = use['total'] - use['activations'] - use['workspace']
            if row['args'].get('transformer-impl') == 'transformer_engine':
                workspaces = 5 if row['args'].get('moe-grouped-gemm') else 1
                size = 4 if 'a100' in row['platform'] or row['platform'] == '?' else 32
                found.append((row['group'], rest + workspaces * size * 2**20,
                              row['measured']['mem_allocated_bytes']))
    name = 'distributed' if distributed else 'plain'
    report(f'Megatron with the Transformer Engine, {name} optimizer, MiB', found, range(20, 121, 2),
           lambda mib, used: used + mib * 2**20)


def main():
    library = Library(sys.argv[1])
    folder = Path(os.environ['HWA_TEST_DATA']) / 'ground-truth'
    fit_megatron(library, folder, False)
    fit_megatron(library, folder, True)
    driver = 456 * 2**20
    fit_framework(library, folder, 'Megatron-DeepSpeed (ZeRO', 'DeepSpeed, share',
                  [share / 100 for share in range(0, 81)],
                  lambda share, used: used * (1 + share) + driver)
    fit_framework(library, folder, 'Qwen finetune.py', 'Trainer, GB',
                  [amount / 10 for amount in range(0, 41)],
                  lambda amount, used: used + amount * 1e9 + driver)


if __name__ == '__main__':
    main()
