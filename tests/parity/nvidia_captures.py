#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays NVIDIA's cards to the library as their own tool printed them, field by field, idle and with
a load: the files below captures/nvidia of the folder that HWA_TEST_DATA names.

usage: nvidia_captures.py"""

import bz2
import csv
import os
import re
import sys
from pathlib import Path

from programs import NotHere, attr, memory, nvml, watch_nvml

SKIPPED, MIB = 77, 1 << 20
NVLINK = {26562: 6}  # MB/s of one link, and the version that NVML has for it


def section(text, title):
    """The lines between the head of a section and the next one."""
    body = text.split(f'# {title}', 1)[1].split('\n' + '#' * 80 + '\n', 2)[1]
    return body.strip('\n').split('\n')


def fields(text, when):
    """The only card as a table of what is told of it, units taken off."""
    names, values = csv.reader(section(text, f'{when} :: query-gpu (csv'), skipinitialspace=True)
    return {name.split(' [')[0]: value.split(' ')[0] if ' [' in name else value
            for name, value in zip(names, values)}


def whole_parts(text):
    """(GPU instance, compute instance, multiprocessors, MiB, UUID, name) of each part."""
    row = re.compile(r'\|\s+0\s+(\d+)\s+(\d+)\s+(\d+)\s+\|\s+\d+MiB / (\d+)MiB\s+\|\s+(\d+)')
    listed = re.findall(r'  MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-\S+)\)', text)
    names = {number: (uuid, profile) for profile, number, uuid in listed}
    told = [row.match(line) for line in section(text, 'idle :: nvidia-smi (default')]
    return [(*map(int, (one[1], one[2], one[5], one[4])), *names[one[3]]) for one in told if one]


def link_speeds(text):
    """MB/s of each NVLink that works."""
    lines = '\n'.join(section(text, 'capabilities :: nvlink'))
    return [round(float(speed) * 1000) for speed in re.findall(r'Link \d+: ([\d.]+) GB/s', lines)]


def scenario(card, parts, speeds):
    def milli(name):
        return round(float(card[name]) * 1000)
    used = int(card['memory.used']) + int(card['memory.reserved'])  # as the first call counts
    load = card['utilization.gpu'] if card['utilization.gpu'].isdigit() else 0
    lines = [f'gpu {card["pci.domain"]} {card["pci.bus"]} {card["pci.device"]}',
             f'name {card["name"]}', f'id {card["pci.device_id"]}', f'uuid {card["uuid"]}',
             f'memory {int(card["memory.total"]) * MIB} {int(card["memory.reserved"]) * MIB}',
             f'power {milli("enforced.power.limit")}',
             f'clocks {card["clocks.max.sm"]} {card["clocks.max.memory"]}',
             'capability ' + card['compute_cap'].replace('.', ' '),
             f'live {load} {card["temperature.gpu"]} {milli("power.draw")} {used * MIB}']
    if speeds:
        lines += [f'nvlink {NVLINK[speeds[0]]} 0 {len(speeds) - 1} switch', f'speed {speeds[0]}']
    return lines + [f'mig {gi} {ci} {units} {size * MIB} {uuid} {card["name"]} MIG {name}'
                    for gi, ci, units, size, uuid, name in parts]


def expect(what, told, right):
    assert told == right, f'{what} is {told}, not {right}'


def expect_card(system, card, parts, speeds):
    address = card['pci.bus_id'].lower()[4:]
    device = next(each for each in system.devices if each['id'] == f'pci-{address}')
    expect('the name', device['name'], card['name'])
    expect('the id', device['pci_device'], int(card['pci.device_id'], 16) >> 16)
    expect('the vendor', device['pci_vendor'], int(card['pci.device_id'], 16) & 0xffff)
    expect('the index', attr(device, 'nvml.index'), int(card['index']))
    expect('the memory', memory(device)[0], int(card['memory.total']) * MIB)
    expect('the rest of it', device['memories'][0]['usable_bytes'],
           (int(card['memory.total']) - int(card['memory.reserved'])) * MIB)
    expect('the power', device['power_limit_mw'], float(card['enforced.power.limit']) * 1000)
    expect('the clock', attr(device, 'nvml.max_sm_mhz'), int(card['clocks.max.sm']))
    expect('the capability', attr(device, 'cuda.compute_capability'), card['compute_cap'])
    expect('the links', attr(device, 'nvml.nvlink.switch'), len(speeds) or None)
    found = {each['id']: each for each in system.devices if 'partition' in each['flags']}
    expect('the number of parts', len(found), len(parts))
    for gi, ci, units, size, uuid, name in parts:
        part = found[f'pci-{address}-gi{gi}-ci{ci}']
        expect('the whole', part['parent'], device['id'])
        expect('the name of a part', part['name'], f'{card["name"]} MIG {name}')
        expect('its multiprocessors', part['compute_units'], units)
        expect('its memory', memory(part)[0], size * MIB)
        expect('its UUID', attr(part, 'nvidia.uuid'), uuid)


def expect_readings(sample, card):
    expect('the heat', sample['temperature_c'], float(card['temperature.gpu']))
    expect('the power', sample['power_w'], float(card['power.draw']))
    if card['utilization.gpu'].isdigit():
        expect('the use', round(sample['utilization'] * 100), int(card['utilization.gpu']))
    free = sample['memory_free_bytes'] / MIB
    # Each of the sizes is rounded.
    assert abs(free - int(card['memory.free'])) <= 2, f'{free} MiB are free'


def main():
    data = os.environ.get('HWA_TEST_DATA')
    captures = sorted(Path(data or '/nonexistent', 'captures/nvidia').glob('*.txt.bz2'))
    if not captures:
        print('HWA_TEST_DATA names no folder with cards of NVIDIA')
        sys.exit(SKIPPED)
    faults = []
    for path in captures:
        text = bz2.decompress(path.read_bytes()).decode()
        parts, speeds = whole_parts(text), link_speeds(text)
        for when in ('idle', 'load'):
            card = fields(text, when)
            lines = scenario(card, parts, speeds)
            try:
                expect_card(nvml(lines), card, parts, speeds)
                expect_readings(watch_nvml(lines), card)
            except NotHere as why:
                print(why)
                sys.exit(SKIPPED)
            except AssertionError as why:
                faults.append(f'{path.name}, {when}: {why}')
            else:
                print(f'{path.name}, {when}: {len(parts)} parts, {len(speeds)} links')
    sys.exit('\n'.join(faults) if faults else 0)


if __name__ == '__main__':
    main()
