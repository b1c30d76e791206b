# SPDX-License-Identifier: MIT
"""Prices of machines for hire: the catalogue's, and what a million tokens cost by those of rows."""

import json
import re

import machines
from library import Refused
from score import Row, Score
from sheets import Sheets

TABLE = 'prices'
# What rows call accelerators -> the id of a sheet.
ACCELERATORS = {'A6000': 'rtx_a6000', 'H100': 'h100_sxm', 'H200': 'h200_sxm', 'B200': 'b200_sxm',
                'A100': 'a100_sxm_80', 'A100-40GB': 'a100_sxm_40', 'A100-80GB': 'a100_sxm_80',
                'V100': 'v100_sxm_32', 'L40S': 'l40s', 'L4': 'l4', 'A10': 'a10', 'A10G': 'a10g',
                'T4': 't4', 'Inferentia2': 'inferentia2', 'TPU v5e': 'tpu_v5e',
                'TPU v5p': 'tpu_v5p', 'TPU v6e': 'tpu_v6e', 'GH200': 'gh200_96', 'GB200': 'gb200',
                'MI300X': 'mi300x'}


def listed(library, row):
    """The catalogue's machine that a row means: by its name, or of as many of those devices."""
    names = [name for name in library.machine_names() if name.startswith(row['provider'] + '/')]
    for name in names:
        if name == f'{row["provider"]}/{row["instance"]}':
            return library.machine(name)
    word = re.split(r'[- ]', row['accelerator'])[0].lower()
    count = re.compile(rf'\b{row["count"]}(gpu|x)|x{row["count"]}$')
    for name in names:
        short = name.split('/')[1].lower().replace('_', ' ')
        if re.search(rf'\b{word}\b', short) and count.search(short):
            return library.machine(name)
    raise KeyError(row['instance'])


def hourly(library, row):
    """What a plan for the catalogue's machine says that it costs."""
    model = library.model_of_numbers(parameters=10**9)
    return library.plan(listed(library, row), model, {})['usd_per_hour']


def of_tokens(library, sheets, row):
    """Dollars for a million tokens, by the plan and by its speed."""
    sheet = sheets.rows[ACCELERATORS[row['accelerator']]]
    system = library.system(machines.system([sheet] * row['count']) |
                            {'usd_per_hour': row['usd_per_hour']})
    plan = library.plan(system, library.model_of_numbers(parameters=10**9), {})
    speed = plan['speed']['tokens_per_second']
    return plan['usd_per_million_tokens'], row['usd_per_hour'] * 1e6 / (3600 * speed)


def scores(library, folder):
    sheets = Sheets(folder)
    catalog, costs = Score('prices of the catalogue', []), Score('cost of a million tokens', [])
    for row in json.loads((folder / f'{TABLE}.json').read_text())['rows']:
        try:
            catalog.rows.append(Row(row['id'], row['group'], hourly(library, row),
                                    row['usd_per_hour']))
        except (Refused, KeyError):
            catalog.refused += 1
        try:
            told, computed = of_tokens(library, sheets, row)
            costs.rows.append(Row(row['id'], row['group'], told, computed))
        except (Refused, KeyError):
            costs.refused += 1
    return [catalog, costs]
