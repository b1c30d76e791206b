#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the system calls of detection on machines of many PCI functions, made up for it.

usage: many.py COUNTER                    count on 100 and on 1,000 functions, and judge
       many.py --time BENCHMARK           run the benchmark over both
       many.py --make FUNCTIONS FOLDER    only make such a machine

Sixteen cards, eight of AMD in one hive and eight of NVIDIA, two below each switch; the rest are
bridges, ports of a network, drives and virtual functions. The files are those that a capture of
such machines has (tests/machines/mi300x-8-xgmi, tests/machines/zen4-gpus). The calls may be 70,
four per function and sixty per card, and must grow by no more than four with each further
function."""

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CARDS = 16
SIZES = (100, 1000)
AMD, NVIDIA = ('amdgpu', '120000', '1002:74A1'), ('nvidia', '30200', '10DE:2330')
# What stands between the cards: driver, class, ids.
OTHERS = [('', '60000', '1022:14A4'), ('mlx5_core', '20000', '15B3:1021'),
          ('nvme', '10802', '144D:A80A'), ('iavf', '20000', '8086:1889'),
          ('pcieport', '60400', '1022:14AB'), ('', '88000', '8086:09A2'),
          ('mlx5_core', '20700', '15B3:101E'), ('virtio-pci', '10000', '1AF4:1042')]
NODE = """cpu_cores_count {cores}
simd_count {simds}
mem_banks_count 1
io_links_count {links}
p2p_links_count 0
simd_per_cu 4
gfx_target_version 90402
vendor_id 4098
device_id 29857
location_id {place}
domain 0
drm_render_minor {minor}
hive_id 1000000000000000007
max_engine_clk_fcompute 2100
local_mem_size 0
unique_id {minor}
num_xcc 8
"""
BANK = 'heap_type 1\nsize_in_bytes 206141652992\nflags 0\nwidth 8192\nmem_clk_max 1300\n'
LINK = 'type {kind}\nnode_from {a}\nnode_to {b}\nweight 15\nmax_bandwidth 64000\nflags 1\n'


class Maker:
    def __init__(self, root):
        self.root = root
        self.count = 0
        self.facts = ['kernel Linux 6.8.0 x86_64', 'affinity 0-1']

    def write(self, path, text):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def function(self, above, what):
        """One function below another; its folder and its address."""
        driver, code, ids = what
        number = self.count
        self.count += 1
        address = f'{number // 0x2000:04x}:{number // 32 % 256:02x}:{number % 32:02x}.0'
        folder = f'{above}/{address}'
        self.write(f'{folder}/uevent', (f'DRIVER={driver}\n' if driver else '') +
                   f'PCI_CLASS={code}\nPCI_ID={ids}\nPCI_SUBSYS_ID={ids}\n'
                   f'PCI_SLOT_NAME={address}\n')
        for end in ('max', 'current'):
            self.write(f'{folder}/{end}_link_speed', '32.0 GT/s PCIe\n')
            self.write(f'{folder}/{end}_link_width', '16\n')
        self.write(f'{folder}/numa_node', f'{number % 2}\n')
        self.write(f'{folder}/power/runtime_status', 'active\n')
        bus = self.root / 'sys/bus/pci/devices'
        bus.mkdir(parents=True, exist_ok=True)
        (bus / address).symlink_to('../../../../' + folder)
        return folder, address

    def node(self, path):
        """A device node, which a capture has as an empty file, and what may be done with it."""
        self.write(path, '')
        self.facts.append(f'access /{path} 0')

    def cards(self, at):
        """Two cards below a port and a switch."""
        folder = f'sys/devices/pci0000:{at:02x}'
        for ids in ('1022:14AB', '11F8:4052'):
            folder, _ = self.function(folder, ('pcieport', '60400', ids))
        self.card(folder, at)
        self.card(folder, at + 1)

    def card(self, folder, at):
        folder, _ = self.function(folder, ('pcieport', '60400', '11F8:4052'))
        amd = at % 2 == 0
        folder, address = self.function(folder, AMD if amd else NVIDIA)
        minor = 128 + at
        for node in (f'card{at}', f'renderD{minor}'):
            (self.root / folder / 'drm' / node).mkdir(parents=True)
        self.node(f'dev/dri/renderD{minor}')
        if amd:
            self.amd(folder, address, at // 2, minor)
        else:
            self.nvidia(address, at // 2)

    def amd(self, folder, address, at, minor):
        files = {'mem_info_vram_total': '206141652992', 'mem_info_vis_vram_total': '206141652992',
                 'mem_info_gtt_total': '1217023995904', 'current_compute_partition': 'SPX',
                 'current_memory_partition': 'NPS1', 'hwmon/hwmon5/power1_cap': '750000000',
                 'mem_info_vram_vendor': 'samsung'}
        for name, text in files.items():
            self.write(f'{folder}/{name}', text + '\n')
        # struct drm_amdgpu_info_device up to the width of the memory, of kind 6: HBM.
        told = struct.pack('<8I2Q22I3Q6I', 0x74a1, 0, 0x47, 0, 141, 32, 1, 100000, 2100000, 1300000,
                           304, *[0] * 21, 0, 0, 0, *[0] * 4, 6, 8192)
        heap = struct.pack('<4Q', 206141652992, 206141652992, 0, 0)
        for question, answer in (('device', told), ('memory', heap * 3)):
            self.facts.append(f'query /dev/dri/renderD{minor} amdgpu.{question} {answer.hex()}')
        bus, slot = int(address[5:7], 16), int(address[8:10], 16)
        node = f'sys/class/kfd/kfd/topology/nodes/{at + 1}'
        self.write(f'{node}/properties', NODE.format(cores=0, simds=1216, links=8, minor=minor,
                                                     place=bus << 8 | slot << 3))
        self.write(f'{node}/mem_banks/0/properties', BANK)
        peers = [peer for peer in range(9) if peer != at + 1]
        for i, peer in enumerate(peers):
            self.write(f'{node}/io_links/{i}/properties',
                       LINK.format(kind=11 if peer else 2, a=at + 1, b=peer))

    def nvidia(self, address, at):
        self.write(f'proc/driver/nvidia/gpus/{address}/information',
                   'Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 200\n'
                   f'GPU UUID: \t GPU-00000000-0000-0000-0000-0000000000{at:02x}\n'
                   'Video BIOS: \t 96.00.74.00.01\nBus Type: \t PCIe\n'
                   f'Bus Location: \t {address}\nDevice Minor: \t {at}\n'
                   'GPU Excluded:\t No\n')
        self.node(f'dev/nvidia{at}')

    def machine(self, functions):
        self.write('proc/meminfo', 'MemTotal: 2113400000 kB\n')
        self.write('proc/cpuinfo', 'processor : 0\nvendor_id : AuthenticAMD\n')
        self.write('proc/self/cgroup', '0::/\n')
        self.write('proc/driver/nvidia/version',
                   'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024\n')
        self.node('dev/nvidiactl')
        self.node('dev/kfd')
        self.write('sys/devices/system/cpu/online', '0-1\n')
        self.write('sys/devices/system/node/online', '0-1\n')
        for node in range(2):
            self.write(f'sys/devices/system/node/node{node}/cpulist', f'{node}\n')
        self.write('sys/class/kfd/kfd/topology/nodes/0/properties',
                   NODE.format(cores=96, simds=0, links=8, minor=0, place=0))
        for at in range(0, CARDS, 2):
            self.cards(at)
        while self.count < functions:
            self.function(f'sys/devices/pci0000:{0x40 + self.count % 64:02x}',
                          OTHERS[self.count % len(OTHERS)])
        self.write('hwa-host.txt', '\n'.join(self.facts) + '\n')


def count(counter, root):
    """The calls that the counter prints; 77 is its word for a system that cannot count."""
    run = subprocess.run([counter, str(root)], capture_output=True, text=True, timeout=120)
    if run.returncode == 77:
        print(run.stdout, end='')
        sys.exit(77)
    if run.returncode != 0:
        sys.exit(run.stdout + run.stderr)
    cards, calls = (int(line.split()[0]) for line in run.stdout.splitlines())
    if cards != CARDS:
        sys.exit(f'{cards} of {CARDS} cards are found')
    return calls


def main():
    if sys.argv[1] == '--make':
        Maker(Path(sys.argv[3])).machine(int(sys.argv[2]))
        return
    if sys.argv[1] == '--time':
        with tempfile.TemporaryDirectory() as folder:
            for functions in SIZES:
                Maker(Path(folder, f'{functions} functions')).machine(functions)
            names = [f'{functions} functions' for functions in SIZES]
            run = subprocess.run([os.path.abspath(sys.argv[2]), *names], cwd=folder)
        sys.exit(run.returncode)
    counts = {}
    for functions in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            Maker(Path(folder)).machine(functions)
            counts[functions] = count(sys.argv[1], folder)
        most = 70 + 4 * functions + 60 * CARDS
        print(f'{functions} functions: {counts[functions]} system calls, at most {most}')
    few, many = SIZES
    each = (counts[many] - counts[few]) / (many - few)
    print(f'{each:.2f} for each further function, at most 4')
    over = [size for size in SIZES if counts[size] > 70 + 4 * size + 60 * CARDS]
    sys.exit(1 if over or each > 4 else 0)


if __name__ == '__main__':
    main()
