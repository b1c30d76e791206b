# SPDX-License-Identifier: MIT
"""Captured machines with Intel's accelerators, field by field against their own files."""

import json
import subprocess
import tarfile
from pathlib import Path

# Archive below captures/, what it unpacks to, and what each device is to say.
EXPECTED = (
    ('hwloc/32em64t-2n8c+dax+nvme+mic+dimms.tar.bz2', '32em64t-2n8c+1mic', {
        'pci-0000:83:00.0': {
            'kind': 'asic', 'name': 'Intel Xeon Phi', 'driver': 'mic',
            'compute_units': int('3d', 16), 'memory': int('7c0000', 16) * 1024,
            'mic.state': 'online', 'device.node': '/dev/mic0'}}),
    ('opae/mock_sys_dfl_n6000_sku0_nlb0.tar.gz', 'tmp', {
        'pci-0000:01:00.0': {
            'kind': 'fpga', 'driver': 'dfl-pci', 'parent': None, 'device.node': '/dev/dfl-port.0',
            'fpga.bitstream_id': '0x501020222df1b7a',
            'fpga.bitstream_metadata': '0x2110055', 'fpga.ports': 1},
        'pci-0000:01:00.1': {'kind': 'fpga', 'parent': 'pci-0000:01:00.0'},
        'pci-0000:01:00.2': {'kind': 'fpga', 'parent': 'pci-0000:01:00.0'},
        # A network function that the card also has says that it is an accelerator.
        'pci-0000:01:00.3': {'kind': 'unknown', 'driver': 'virtio-pci'},
        'pci-0000:01:00.4': {'kind': 'fpga', 'parent': 'pci-0000:01:00.0'}}),
)


def told(device, key):
    if key == 'memory':
        return device['memories'][0]['size_bytes'] if device['memories'] else None
    if '.' in key:
        return device['attrs'].get(key, {}).get('value')
    return device[key]


def faults(show, data, folder):
    """A sentence for each field that is not what the capture says."""
    found = []
    for archive, root, expected in EXPECTED:
        path = Path(data, 'captures', archive)
        if not path.exists():
            print(f'{path}: is not there')
            continue
        place = Path(folder, path.name)
        with tarfile.open(path) as tar:
            tar.extractall(place)
        run = subprocess.run([show, str(place / root)], capture_output=True, text=True, timeout=60)
        if run.returncode != 0:
            found.append(f'{path.name}: ends with {run.returncode}: {run.stderr.strip()}')
            continue
        devices = {each['id']: each for each in json.loads(run.stdout)['devices']
                   if each['kind'] not in ('cpu', 'gpu')}
        if set(devices) != set(expected):
            found.append(f'{path.name}: devices are {sorted(devices)}')
        for name in sorted(set(devices) & set(expected)):
            for key, value in expected[name].items():
                got = told(devices[name], key)
                if got != value:
                    found.append(f'{path.name}: {name}: {key} is {got}, not {value}')
    return found
