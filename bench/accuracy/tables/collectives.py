# SPDX-License-Identifier: MIT
"""Seconds of collectives over the devices of one machine."""

import json

from kernel_times import ask, sheets
from score import Row, Score

TABLE = 'collectives'
# One way, GB/s, by the documents of PCI Express: sixteen lanes.
PCIE = {'pcie4': 32, 'pcie5': 64, 'xe': 64}


def wire_of(sheet):
    """The wire that joins devices of that sheet, and its rate in bytes a second."""
    link = 'xe' if sheet['vendor'] == 'intel' else sheet.get('link', 'pcie4')
    return link, (PCIE.get(link) or sheet['scaleup_link_gbs_per_dir']) * 1e9


def line(row, sheet):
    wire, rate = wire_of(sheet)
    return f'collective {row["op"]} {wire} {row["n_gpus"]} {row["bytes"]} {rate}'


def scores(library, folder):
    rows = json.loads((folder / f'{TABLE}.json').read_text())['rows']
    known = sheets(folder)
    made = Score('collectives', [])
    asked = [row for row in rows if row['system'] in known]
    made.refused = len(rows) - len(asked)
    lines = [line(row, known[row['system']]) for row in asked]
    for row, (seconds, factor) in zip(asked, ask(library.program('kernel-times'), lines)):
        made.rows.append(Row(row['id'], row['group'], seconds, row['ms'] / 1e3, factor))
    return [made]
