# SPDX-License-Identifier: MIT
"""Seconds of training steps, by the throughput that was published with its layout."""

import machines
import training
from kernel_times import sheets
from library import Refused
from score import Row, Score

TABLE = 'train_throughput'


def system(library, run, room=1 << 50):
    """Islands of devices as machines, each with one port that carries what its network does. Where
    only time is asked there is room for anything: what was measured fitted."""
    count = -(-run.devices // run.island)
    made = machines.system([sheets()[run.sheet]] * (run.devices // count))
    for device in made['devices']:
        device['memories'][0] |= {'size_bytes': room, 'usable_bytes': room}
    port = {'kind': 'infiniband', 'state': 'up', 'bytes_per_second': int(run.network)}
    made['attrs'] = {f'network.0.{key}': {'value': value, 'source': 'table'}
                     for key, value in port.items()}
    return library.cluster(made, count)


def speed_of(library, run):
    workload = {'mode': 1} | run.workload
    return library.plan(system(library, run), library.model(run.config), run.pins,
                        **workload)['speed']


def scores(library, folder):
    everything = Score('training steps', [])
    found = {}
    for row, run in training.read(folder):
        try:
            speed = speed_of(library, run) if run else {}
        except Refused:
            speed = {}
        if not speed.get('step_seconds'):
            everything.refused += 1
            continue
        made = Row(row['id'], row['group'], speed['step_seconds'], run.step,
                   speed['error_factor'])
        everything.rows.append(made)
        engine = run.pins['engine']
        found.setdefault(engine, Score(f'training steps, {engine}', [])).rows.append(made)
    return [*found.values(), everything]
