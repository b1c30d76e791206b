#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Replays machines that others captured, where HWA_TEST_DATA names the folder that has them.

usage: captures.py SHOW

What is expected of each is what its name and its own files say: sockets, cores, memory nodes;
memory, maker and caches in hwloc_captures.py; AMD's cards in kfd_captures.py."""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import cpuid_captures
import hwloc_captures
import intel_captures
import kfd_captures

SKIPPED = 77
# Archive: sockets, cores (0: its files do not tell), memory nodes (0: likewise), part of the name.
EXPECTED = {
    '20em64t-hybrid-1p6c2t+2ca4co1t': (1, 14, 1, 'i7-1370P'),
    '256ppc-8n8s4t': (1, 64, 8, 'POWER7'),
    '32amd64-4s2n4c-cgroup2': (4, 32, 8, 'Opteron(tm) Processor 6134'),
    '32em64t-2n8c+dax+nvme+mic+dimms': (2, 16, 2, 'E5-2680'),
    'nvidia-dgx-gb10': (1, 20, 1, 'Cortex-X925'),
}


def look(show, root):
    run = subprocess.run([show, str(root)], capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        return None, f'ends with {run.returncode}: {run.stderr.strip()}'
    return json.loads(run.stdout), None


def judge(system, sockets, cores, nodes, name):
    devices = [device for device in system['devices'] if device['kind'] == 'cpu']
    found = (len(devices), sum(device['compute_units'] or 0 for device in devices),
             system['numa_count'] or 0)
    if found != (sockets, cores, nodes):
        return f'sockets, cores and nodes are {found}, not {(sockets, cores, nodes)}'
    if name not in devices[0]['name']:
        return f'is named {devices[0]["name"]}'
    whole = sum(device['memories'][0]['size_bytes'] for device in devices)
    # Each node keeps a little for itself that the sum of the machine leaves out.
    if abs(whole - system['memory_bytes']) > system['memory_bytes'] // 20:
        return f'has {whole} bytes in its sockets and {system["memory_bytes"]} in all'
    return None


def main():
    data = os.environ.get('HWA_TEST_DATA')
    if not data:
        print('HWA_TEST_DATA names no folder of captured machines')
        sys.exit(SKIPPED)
    faults = []
    for archive, expected in EXPECTED.items():
        path = Path(data, 'captures/hwloc', archive + '.tar.bz2')
        if not path.exists():
            print(f'{path}: is not there')
            continue
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(path) as tar:
                tar.extractall(folder)
            root = next(Path(folder).iterdir())
            system, fault = look(sys.argv[1], root)
            fault = fault or judge(system, *expected)
            others = [fault] if fault else hwloc_captures.faults(system, root)
            faults += [f'{archive}: {each}' for each in others]
    with tempfile.TemporaryDirectory() as folder:
        faults += cpuid_captures.faults(sys.argv[1], data, folder)
        faults += kfd_captures.faults(sys.argv[1], data, folder)
    with tempfile.TemporaryDirectory() as folder:
        faults += intel_captures.faults(sys.argv[1], data, folder)
    sys.exit('\n'.join(faults) if faults else 0)


if __name__ == '__main__':
    main()
