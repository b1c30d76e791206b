#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns paces.csv into rows of the table in pace.cpp, and refuses rows that cannot be right.

usage: generate_paces.py PACES.CSV OUT"""

import csv
import sys

ENGINES = {'': 'Any', 'llama.cpp': 'LlamaCpp', 'vllm': 'Vllm', 'sglang': 'Sglang',
           'tensorrt-llm': 'TensorRtLlm', 'transformers': 'Transformers', 'mlx': 'Mlx'}
BACKENDS = {'': 'Any', 'cuda': 'Cuda', 'rocm': 'Rocm', 'vulkan': 'Vulkan', 'metal': 'Metal',
            'sycl': 'Sycl', 'cpu': 'Cpu'}
CHIPS = ['hopper', 'blackwell', 'ada', 'blackwell_gddr', 'xe2', 'ampere_hbm', 'ampere_gddr',
         'older', 'amd_hbm', 'amd_gddr', 'tpu', 'other']
TRAITS = {'plain_attention': 'TraitPlainAttention', 'no_graphs': 'TraitNoGraphs',
          'latent': 'TraitLatent', 'experts': 'TraitExperts', 'unified': 'TraitUnified',
          'network': 'TraitNetwork', 'plain_blas': 'TraitPlainBlas', 'amdvlk': 'TraitAmdvlk',
          'apart': 'TraitApart', 'packed': 'TraitPacked'}
# In the order of the enumeration.
PACES = ['memory', 'compute', 'rows', 'vector', 'variety', 'expert_memory', 'expert_compute',
         'expert_rows', 'skew', 'cache_memory', 'prompt_attention', 'token_attention', 'scores',
         'scan', 'copies', 'layer', 'dispatch', 'expert_layer', 'expert_call', 'recurrent_layer',
         'latent_layer', 'index_layer', 'step', 'sequence', 'hop', 'reduce', 'reduce_link',
         'exchange', 'exchange_link', 'overlap', 'interleave', 'arrival', 'wait', 'prompt',
         'burst', 'queue', 'token_error', 'prompt_error']


def line(row):
    factor = float(row['factor'])
    bits = int(row['bits'] or 0)
    if not 1e-4 < factor < 1e4 or bits not in (0, 4, 8, 16):
        sys.exit(f'paces.csv: {row}: no such factor or bits')
    pace = ''.join(word.capitalize() for word in row['pace'].split('_'))
    chip = CHIPS.index(row['chip']) if row['chip'] else -1
    engine, _, version = row['engine'].partition(' ')
    traits = ' | '.join(TRAITS[trait] for trait in row['traits'].split()) or '0'
    return (f'{{Pace::{pace}, Engine::{ENGINES[engine]}, '
            f'Backend::{BACKENDS[row["backend"]]}, {chip}, {bits}, {traits}, {factor}, '
            f'version({version.replace(".", ", ") or "0, 0"})}},\n')


def main():
    with open(sys.argv[1], encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    engines = list(ENGINES)
    places = [(PACES.index(row['pace']), engines.index(row['engine'].partition(' ')[0]))
              for row in rows]
    if places != sorted(places):
        sys.exit('paces.csv: rows are to be in the order of the paces and engines')
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        file.write(''.join(map(line, rows)))


if __name__ == '__main__':
    main()
