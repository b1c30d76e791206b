#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns specs.csv into rows of the table in specs.cpp, and refuses rows that cannot be right.

usage: generate_specs.py SPECS.CSV OUT"""

import csv
import sys

KINDS = {'': 'Unknown', 'ddr': 'Ddr', 'gddr': 'Gddr', 'hbm': 'Hbm', 'sram': 'Sram'}
FORMATS = {'f64': 'F64', 'f32': 'F32', 'tf32': 'Tf32', 'f16': 'F16', 'bf16': 'Bf16',
           'f8': 'F8E4M3', 'f4': 'F4E2M1', 'i8': 'I8', 'i4': 'I4'}
RATES = 8


def number(row, key, most):
    text = row[key].strip()
    value = float(text) if text else 0.0
    if not 0 <= value <= most:
        sys.exit(f'specs.csv: {row["name"]}: {key} of {text} cannot be')
    return value


def line(row):
    rates = [(dtype, number(row, column, 1e6)) for column, dtype in FORMATS.items()]
    rates = [(dtype, rate) for dtype, rate in rates if rate]
    if len(rates) > RATES or not row['document'].strip():
        sys.exit(f'specs.csv: {row["name"]}: too many rates, or no document')
    inside = ', '.join(f'{{Dtype::{dtype}, {rate * 1e12:.6e}}}' for dtype, rate in rates)
    return (f'{{"{row["name"]}", {round(number(row, "memory_mib", 1e9) * 2**20)}ull, '
            f'MemoryKind::{KINDS[row["memory_kind"]]}, "{row["memory_name"]}", '
            f'{round(number(row, "gb_s", 1e6) * 1e9)}ull, {round(number(row, "units", 1e6))}, '
            f'{round(number(row, "watts", 1e5) * 1000)}, {{{inside}}}, '
            f'"{row["document"]}"}},\n')


def main():
    with open(sys.argv[1], encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    names = [row['name'] for row in rows]
    if names != sorted(set(names)):
        sys.exit('specs.csv: names are to be in order, each once')
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        file.write(''.join(map(line, rows)))


if __name__ == '__main__':
    main()
