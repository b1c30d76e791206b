# SPDX-License-Identifier: MIT
"""What another planner says of the same run: DeepSpeed's estimate of model states on a device.

That is an estimate too, so nothing here has a limit. It counts four bytes for each parameter of
the largest layer, which is gathered, beside a device's share of the states.
"""

import json

import machines
from library import Refused
from score import Row, Score

TABLE = 'planner_outputs'
CARD = {'id': 'card', 'vendor': 'nvidia', 'cls': 'gpu', 'mem_gb_label': 1 << 20}
STATES = ('weights', 'gradients', 'optimizer')


def device_bytes(library, row):
    devices = row['n_gpus'] * row['n_nodes']
    pins = {'engine': 'deepspeed', 'data_parallel': devices,
            'offload_weights': row['offload_param'] == 'cpu',
            'offload_optimizer': row['offload_optimizer'] == 'cpu'}
    model = library.model_of_numbers(parameters=int(row['total_params']),
                                     dtype=library.lib.HWA_DTYPE_F16)
    plan = library.plan(library.system(machines.system([CARD] * devices)), model, pins,
                        mode=library.lib.HWA_MODE_TRAIN, zero_stage=row['stage'] + 1,
                        sequence_tokens=64, micro_batch=1)
    use = plan['stages'][0]['footprint']
    return sum(use[part] for part in STATES) + 4 * row['largest_layer_params']


def scores(library, folder):
    made = Score("DeepSpeed's estimate of states", [])
    for row in json.loads((folder / f'{TABLE}.json').read_text())['rows']:
        try:
            made.rows.append(Row(row['id'], row['group'], device_bytes(library, row),
                                 row['gpu_gb'] * 2**30))
        except (Refused, KeyError):
            made.refused += 1
    return [made]
