#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns machines.csv and machine_devices.csv into the tables in machines.cpp, and refuses rows that
cannot be right.

usage: generate_machines.py MACHINES.CSV DEVICES.CSV OUT

A machine names its provider and what that calls it, a row of the devices and how many of it, and
where its price was read, in which revision, and when."""

import csv
import datetime
import re
import sys

KINDS = {'': 'Unknown', 'gddr': 'Gddr', 'hbm': 'Hbm'}
VENDORS = {'amd': 'Gpu', 'google': 'Tpu', 'nvidia': 'Gpu'}  # and what they let for hire
FORMATS = {'f32': 'F32', 'tf32': 'Tf32', 'f16': 'F16', 'bf16': 'Bf16', 'f8': 'F8E4M3',
           'f4': 'F4E2M1', 'i8': 'I8'}


def refuse(name, why):
    sys.exit(f'machines: {name}: {why}')


def number(row, key, most):
    text = row[key].strip()
    value = float(text) if text else 0.0
    if not 0 <= value <= most:
        refuse(row['name'], f'{key} of {text} cannot be')
    return value


def device_line(row):
    if not row['document'].strip():
        refuse(row['name'], 'no document')
    if row['vendor'] not in VENDORS:
        refuse(row['name'], f'vendor {row["vendor"]} is none of {", ".join(VENDORS)}')
    rates = [(dtype, number(row, column, 1e6)) for column, dtype in FORMATS.items()]
    inside = ', '.join(f'{{Dtype::{dtype}, {rate * 1e12:.6e}}}' for dtype, rate in rates if rate)
    return (f'{{"{row["name"]}", "{row["vendor"]}", Kind::{VENDORS[row["vendor"]]}, '
            f'{round(number(row, "memory_mib", 1e9) * 2**20)}ull, '
            f'MemoryKind::{KINDS[row["memory_kind"]]}, "{row["memory_name"]}", '
            f'{round(number(row, "gb_s", 1e6) * 1e9)}ull, '
            f'{round(number(row, "watts", 1e5) * 1000)}, '
            f'"{row["link"]}", {round(number(row, "link_gb_s", 1e6) * 1e9)}ull, {{{inside}}}}},\n')


def machine_line(row, devices):
    name = row['name']
    if not re.fullmatch(r'[a-z]+/[\w.-]+', name):
        refuse(name, 'is not PROVIDER/INSTANCE')
    if row['device'] not in devices:
        refuse(name, f'{row["device"]} is no row of the devices')
    count = int(row['count'])
    price = number(row, 'usd_per_hour', 1e4)
    if not 1 <= count <= 64 or price <= 0:
        refuse(name, 'no count or no price')
    if not re.fullmatch(r'[\w.-]+/[\w.-]+ [\w./-]+', row['source']):
        refuse(name, 'no source')
    if not re.fullmatch(r'[0-9a-f]{40}', row['revision']):
        refuse(name, 'no revision of the source')
    try:
        datetime.date.fromisoformat(row['date'])
    except ValueError:
        refuse(name, 'no date')
    return (f'{{"{name}", "{row["device"]}", {count}, '
            f'{round(number(row, "host_gib", 1e6) * 2**30)}ull, {price!r}, "{row["region"]}", '
            f'"{row["source"]} {row["revision"]}", "{row["date"]}"}},\n')


def read(path):
    with open(path, encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    names = [row['name'] for row in rows]
    if names != sorted(set(names)):
        sys.exit(f'{path}: names are to be in order, each once')
    return rows


def main():
    machines, devices = read(sys.argv[1]), read(sys.argv[2])
    names = {row['name'] for row in devices}
    with open(sys.argv[3], 'w', encoding='utf-8') as file:
        file.write('static constexpr HiredDevice device_rows[] = {\n')
        file.write(''.join(map(device_line, devices)) + '};\n')
        file.write('static constexpr Machine machine_rows[] = {\n')
        file.write(''.join(machine_line(row, names) for row in machines) + '};\n')


if __name__ == '__main__':
    main()
