# SPDX-License-Identifier: MIT
"""Compute nodes of AMD that others captured, without the PCI functions they belong to, which are
made for them here, and a card that another captured without its compute node."""

import bz2
import json
import subprocess
import tarfile
from pathlib import Path

NODES = 'sys/class/kfd/kfd/topology/nodes'
# Archive: nodes that compute, cards, instruction set, links between cards, their rate in GB/s.
EXPECTED = {
    'topo-mi210-xgmi-pcie': (8, 8, 'gfx90a', 12 + 16, {0, 50}),
    'topo-mi300-cpx': (63, 8, 'gfx942', 28, {0}),
}


def look(show, root):
    run = subprocess.run([show, str(root)], capture_output=True, text=True, timeout=120)
    return json.loads(run.stdout) if run.returncode == 0 else {'devices': [], 'links': []}


def numbers(path):
    """The lines "name number" of a file."""
    return {name: int(value) for name, value in
            (line.split() for line in path.read_text().splitlines() if len(line.split()) == 2)}


def unpack(archive, root):
    """Puts the nodes in their place, with a function on the bus for each card; returns those that
    compute, by the id that a device or a partition has."""
    with tarfile.open(archive) as tar:
        tar.extractall(root / 'aside')
    found = next(path for path in (root / 'aside').rglob('nodes') if path.is_dir())
    (root / NODES).parent.mkdir(parents=True)
    found.rename(root / NODES)
    nodes = {}
    for path in sorted((root / NODES).iterdir(), key=lambda each: int(each.name)):
        node = numbers(path / 'properties')
        if node['simd_count'] == 0:
            continue
        node['number'] = int(path.name)
        place = node['location_id']
        address = f'{node["domain"]:04x}:{place >> 8:02x}:00.0'
        bus = root / 'sys/bus/pci/devices' / address
        bus.mkdir(parents=True, exist_ok=True)
        (bus / 'uevent').write_text('DRIVER=amdgpu\nPCI_CLASS=120000\n'
                                    f'PCI_ID=1002:{node["device_id"]:04X}\n')
        nodes.setdefault(address, []).append((place & 7, node))
    return {f'pci-{address}' + (f'-xcp{part}' if len(parts) > 1 else ''): node
            for address, parts in nodes.items() for part, node in parts}


def judge(system, nodes, expected):
    """Yields what is wrong, field by field."""
    count, cards, gfx, links, rates = expected
    devices = {device['id']: device for device in system['devices'] if device['kind'] == 'gpu'}
    order = {node['number']: at for at, node in
             enumerate(sorted(nodes.values(), key=lambda each: each['number']))}
    whole = [device for device in devices.values() if device['parent'] is None]
    if len(nodes) != count or len(whole) != cards:
        yield f'has {len(nodes)} nodes and {len(whole)} cards'
    for name, node in nodes.items():
        device = devices.get(name)
        if device is None:
            yield f'{name} is not there'
            continue
        got = (device['attrs'].get('amd.gfx', {}).get('value'), device['compute_units'],
               device['clock_hz'], device['attrs'].get('hip.ordinal', {}).get('value'),
               device['pci_device'])
        want = (gfx, node['simd_count'] // node['simd_per_cu'],
                node['max_engine_clk_fcompute'] * 1000000, order[node['number']],
                node['device_id'])
        if got != want:
            yield f'{name} is {got}, not {want}'
    found = system['links']
    if len(found) != links or {(link['bytes_per_second'] or 0) // 10**9 for link in found} != rates:
        yield f'has {len(found)} links'


def read_ttar(text, inside):
    """Files below a folder of a text archive: name and content."""
    lines = iter(text.splitlines())
    for line in lines:
        if not line.startswith('Path: ' + inside):
            continue
        head = next(lines)
        if head.startswith('Lines: '):
            yield (line[len('Path: ' + inside):],
                   ''.join(next(lines) + '\n' for _ in range(int(head[7:]))))


def judge_card(show, archive, root):
    """A Vega card, by what its files say."""
    files = dict(read_ttar(bz2.decompress(archive.read_bytes()).decode(),
                           'fixtures/sys/class/drm/card0/device/'))
    bus = root / 'sys/bus/pci/devices/0000:09:00.0'
    for name, text in files.items():
        (bus / name).parent.mkdir(parents=True, exist_ok=True)
        (bus / name).write_text(text)
    device = look(show, root)['devices'][0]
    got = (device['name'], device['memories'][0]['size_bytes'], device['memories'][0]['role'],
           device['clock_hz'], device['attrs']['amd.memory_clock_hz']['value'],
           device['attrs']['amd.vram_vendor']['value'])
    want = ('AMD Radeon RX Vega', int(files['mem_info_vram_total']), 'dedicated', 1630000000,
            945000000, files['mem_info_vram_vendor'].strip())
    if got != want:
        yield f'is {got}, not {want}'


def faults(show, data, folder):
    """Yields what is wrong with each capture below `data`; `folder` is for trees."""
    for archive, expected in EXPECTED.items():
        path = Path(data, 'captures/kfd', archive + '.tar.bz2')
        if not path.exists():
            print(f'{path}: is not there')
            continue
        root = Path(folder, archive)
        nodes = unpack(path, root)
        yield from (f'{archive}: {fault}' for fault in judge(look(show, root), nodes, expected))
    path = Path(data, 'captures/procfs/fixtures.ttar.bz2')
    if path.exists():
        yield from (f'{path}: {fault}' for fault in judge_card(show, path, Path(folder, 'card')))
