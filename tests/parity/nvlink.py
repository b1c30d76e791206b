# SPDX-License-Identifier: MIT
"""Vectors of NVLink: what a tool of NVIDIA's printed is put into an NVML that plays the devices."""

import re

from programs import Machine, attr, nvml

SPEED = re.compile(r'Link (\d+): (\d+) GB/s')
GENERATION_3 = 4  # as NVML counts versions
MOST = 36  # NVML_NVLINK_MAX_LINKS


def wires(count):
    """As many lines of `nvidia-smi nvlink -s` as the vector says."""
    return [(at, 25) for at in range(count)]


def status(case):
    """One device and a second one at the other end of its links."""
    given = case['input']
    lines = wires(300) if 'generate' in given else [
        (int(link), int(speed)) for link, speed in SPEED.findall(given['stdout'])]
    scenario = []
    for bus in (1, 2):
        scenario += [f'gpu 0 {bus} 0', 'name NVIDIA A100', 'speed 25000']
        scenario += [f'nvlink {GENERATION_3} {link} {link} 0 {3 - bus} 0' for link, _ in lines]
    links = nvml(scenario).fabric()
    if not lines:
        assert not links
        return
    link, = links
    # NVML knows of 36 links of a device, so more than these are not believed.
    count = min(len(lines), MOST)
    assert link['name'] == f'nvlink3 x{count}', link['name']
    assert link['bytes_per_second'] == count * 25e9, link['bytes_per_second']


def table(text):
    """The rows of the devices, cut to what they say of one another, and the rest of each row."""
    rows = [line.split() for line in text.splitlines()]
    rows = [row[1:] for row in rows if row and row[0].startswith('GPU') and 'X' in row]
    return [row[:len(rows)] for row in rows], [row[len(rows):] for row in rows]


def play(rows):
    """Links from each to each, in the order of the columns."""
    scenario = []
    for at, row in enumerate(rows):
        scenario += [f'gpu 0 {at + 1} 0', f'name NVIDIA card {at}', 'speed 25000']
        first = 0
        for other, cell in enumerate(row):
            if cell.startswith('NV'):
                end = first + int(cell[2:])
                scenario.append(f'nvlink {GENERATION_3} {first} {end - 1} 0 {other + 1} 0')
                first = end
    return nvml(scenario)


def near(text):
    """The processors that a device is near to, by the files of the kernel."""
    machine = Machine()
    first, last = map(int, text.split('-'))
    machine.facts[-1] = f'affinity {text}'
    machine.files['/sys/devices/system/cpu/online'] = f'{text}\n'
    for cpu in range(first, last + 1):
        machine.files[f'/sys/devices/system/cpu/cpu{cpu}/topology/package_cpus_list'] = f'{text}\n'
    machine.files['/sys/devices/system/node/online'] = '0\n'
    machine.files['/sys/devices/system/node/node0/cpulist'] = f'{text}\n'
    machine.files['/sys/devices/system/node/node0/meminfo'] = 'Node 0 MemTotal: 65536000 kB\n'
    machine.card('nvidia', '30200', '10DE:20B2', {
        'numa_node': '0\n', 'max_link_speed': '16.0 GT/s PCIe\n', 'max_link_width': '16\n'})
    system = machine.look()
    card, = system.of('gpu')
    assert card['numa_node'] == 0, card['numa_node']
    ends = [link['b'] for link in system.links if link['a'] == card['id']]
    return [attr(device, 'cpu.list') for device in system.devices if device['id'] in ends]


def topology(case):
    rows, rest = table(case['input']['stdout'])
    system = play(rows)
    cards = [f'pci-0000:{at + 1:02x}:00.0' for at in range(len(rows))]
    assert sorted(device['id'] for device in system.of('gpu')) == cards
    want = sorted((cards[at], cards[other], f'nvlink3 x{cell[2:]}')
                  for at, row in enumerate(rows) for other, cell in enumerate(row)
                  if at < other and cell.startswith('NV'))
    links = system.fabric()
    got = sorted((*sorted((link['a'], link['b'])), link['name']) for link in links)
    assert got == want, got
    # Direct links, no switch.
    assert system.attr('nvidia.nvswitches') is None
    assert all(attr(device, 'nvml.nvlink.switch') is None for device in system.devices)
    if any(rest):
        assert near(rest[0][0]) == [case['expected']['cpu_affinity']]


ANSWERS = {'nvlink_status': status, 'nvidia_topo_matrix': topology}
