#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the project's own tables, data/*.json: a spread-out share of those in HWA_TEST_DATA.

    pick_rows.py LIBHWA.SO [TABLE…]

Rows are taken in turn from each kind of row that a table has, in an order that only their names
decide, never what is predicted of them. Of tables that compare configurations some are taken with
all that they are compared to. Each row names its source; rows whose source has no name stay out.
Of models.json what these rows open is kept.
"""

import argparse
import hashlib
import importlib
import itertools
import json
import os
import re
from pathlib import Path

from library import Library

OWN = Path(__file__).parent / 'data'
DROPPED = ('verified', 'line', 'remark', 'metric', 'half')


def kinds(*names):
    return lambda row: tuple(str(row.get(name)) for name in names)


def first_word(*names):
    """By the first words of what the columns say."""
    return lambda row: tuple(re.split(r'[ /(]', str(row.get(name)))[0] for name in names)


# Table -> how many rows, what makes kinds, how many of those kinds with their rivals, and what
# rivals have in common.
TABLES = {
    'collectives': (48, kinds('system', 'op', 'n_gpus')),
    'kernels': (72, kinds('op', 'system')),
    'serving': (30, kinds('model', 'system', 'backend', 'mode'), 14,
                kinds('model', 'system', 'backend', 'backend_version', 'precision', 'mode', 'isl',
                      'osl', 'gemm', 'moe', 'concurrency', 'batch')),
    'throughput_single': (44, kinds('engine', 'gpu', 'phase', 'quality', 'oom'), 10,
                          kinds('engine', 'model', 'model_desc', 'quant', 'gpu', 'phase', 'tokens',
                                'depth', 'batch', 'size_text', 'quality', 'prompt_tokens')),
    'train_throughput': (40, first_word('framework', 'gpu', 'system'), 6,
                         kinds('framework', 'model', 'gpu', 'system', 'n_gpus', 'precision',
                               'global_batch', 'seq_len', 'arch')),
    'train_memory': (44, first_word('framework', 'method', 'oom')),
    'infer_memory': (44, kinds('engine', 'quant', 'oom')),
    'train_memory_megatron': (24, kinds('platform', 'world_size_known')),
    'weights': (70, kinds('kind')),
    'llamacpp_logs': (16, lambda row: row['model']['arch']),
    'mlperf_training': (30, kinds('benchmark', 'accelerator')),
    'mlperf_inference': (40, kinds('model', 'scenario', 'accelerator')),
    'planner_outputs': (12, kinds('offload_param', 'offload_optimizer')),
    'prices': (13, kinds('provider')),
}


def order(text):
    return hashlib.sha256(text.encode()).hexdigest()


def in_turn(rows, kind, count):
    """So many rows, one of each kind after the other."""
    found = {}
    for row in sorted(rows, key=lambda row: order(row['id'])):
        found.setdefault(kind(row), []).append(row)
    turns = itertools.zip_longest(*(found[key] for key in sorted(found, key=str)))
    return [row for turn in turns for row in turn if row][:count]


def rivals(rows, kind, count, same):
    """All rows of so many groups that compare something, of four at most each."""
    groups = {}
    for row in rows:
        groups.setdefault(same(row), []).append(row)
    compared = [group for group in groups.values() if len(group) > 1]
    first = in_turn([group[0] for group in compared], kind, count)
    return [row for row in first for row in groups[same(row)][:4]]


def source_of(table, row):
    """The repository and file, the paper or the page of a row, or None."""
    found = table['sources'][row['src']] if 'src' in row else table.get('source')
    found = found[0] if isinstance(found, list) else found
    if not isinstance(found, dict):
        return {'made': 'by its formula'} if 'formula' in str(row.get('verified')) else None
    if 'repo' in found:
        return {'repo': found['repo'], 'path': found['path']}
    for kind in ('paper', 'page', 'ran'):
        if kind in found:
            return {kind: re.sub(r' \([^)]*(stored|search)[^)]*\)|^stored ', '', found[kind])}
    return None


def write(name, about, rows, sources=()):
    def lines(values):
        return ',\n'.join(json.dumps(value, ensure_ascii=False) for value in values)
    listed = f'"sources": [\n{lines(sources)}\n],\n' if sources else ''
    (OWN / f'{name}.json').write_text(f'{{"table": "{name}", "about": {json.dumps(about)},\n'
                                      f'{listed}"rows": [\n{lines(rows)}\n]}}\n')


def pick(folder, name):
    table = json.loads((folder / f'{name}.json').read_text())
    count, kind, *compared = TABLES[name]
    rows = [row for row in table['rows'] if source_of(table, row)]
    taken = in_turn(rows, kind, count)
    if compared:
        taken += rivals(rows, kind, *compared)
    sources, kept = [], []
    for row in {row['id']: row for row in taken}.values():
        source = source_of(table, row)
        if source not in sources:
            sources.append(source)
        kept.append({key: value for key, value in row.items()
                     if key not in DROPPED and value is not None
                     and (key != 'note' or 'cpu offload' in value)}
                    | {'src': sources.index(source)})
    write(name, table['about'].split('. ')[0].rstrip('.') + '.', kept, sources)


WIDTHS = (('hidden_size', 'n_embd'), ('num_hidden_layers', 'n_layer'),
          ('num_attention_heads', 'n_head'), ('intermediate_size', 'n_inner'))


def widths(config):
    """What tells models apart that rows may call by several names."""
    config = config.get('text_config', config)
    return tuple(config.get(name) or config.get(other) for name, other in WIDTHS)


def opened(library):
    """Widths of all models that the project's tables open."""
    found, open_one = set(), library.model

    def remember(config):
        found.add(widths(config))
        return open_one(config)

    library.model = remember
    for path in sorted((OWN.parent / 'tables').glob('[a-z]*.py')):
        module = importlib.import_module(f'tables.{path.stem}')
        if (OWN / f'{getattr(module, "TABLE", "serving")}.json').exists():
            module.scores(library, OWN)
    return found


def keep_models(library, folder):
    """One model of each shape that is opened, and all that rows or modules call by name."""
    table = json.loads((folder / 'models.json').read_text())
    write('models', table['about'].split('; ')[0] + '.', table['rows'])
    wanted = opened(library)
    texts = [path.read_text() for path in (*OWN.glob('*.json'), *OWN.parent.glob('**/*.py'))
             if path.name != 'models.json']
    kept, seen = [], set()
    for row in table['rows']:
        shape, name = widths(row['config']), row['id'].split('/')[-1]
        called = any(name + quote in text for text in texts for quote in '"\'')
        if shape in wanted and (called or shape not in seen):
            seen.add(shape)
            kept.append({key: row[key] for key in ('id', 'config')})
    write('models', table['about'].split('; ')[0] + '.', kept)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('library')
    parser.add_argument('tables', nargs='*')
    arguments = parser.parse_args()
    folder = Path(os.environ['HWA_TEST_DATA']) / 'ground-truth'
    for name in arguments.tables or TABLES:
        pick(folder, name)
    keep_models(Library(arguments.library), folder)


if __name__ == '__main__':
    main()
