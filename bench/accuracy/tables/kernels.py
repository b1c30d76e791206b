# SPDX-License-Identifier: MIT
"""Seconds of single kernels inside of serving engines."""

import json

from kernel_times import OPERATORS, ask, chip_line, kernel_line, sheets
from score import Row, Score

TABLE = 'kernels'


def scores(library, folder):
    rows = json.loads((folder / f'{TABLE}.json').read_text())['rows']
    known = sheets(folder)
    found = {op: Score(f'kernels, {op.replace("_", " ")}', []) for op in OPERATORS}
    everything = Score('kernels', [])
    asked = []
    for row in rows:
        if row['system'] in known and row['op'] in OPERATORS:
            asked.append(row)
        else:
            everything.refused += 1
    lines = [line for row in asked for line in (chip_line(known[row['system']]), kernel_line(row))]
    for row, (seconds, factor) in zip(asked, ask(library.program('kernel-times'), lines)):
        made = Row(row['id'], row['group'], seconds, row['ms'] / 1e3, factor)
        found[row['op']].rows.append(made)
        everything.rows.append(made)
    return [*found.values(), everything]
