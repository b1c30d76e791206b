# SPDX-License-Identifier: MIT
"""Ways to put a question to the library: a machine made of files, drivers that play a scenario, and
programs that read a system or a model."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PCI = '/sys/bus/pci/devices/'
NAMES = ('/usr/share/hwdata/pci.ids', '/usr/share/misc/pci.ids')


class NotHere(Exception):
    """What the answer needs is not on this machine."""


class Programs:
    """Paths of the programs, from the environment that the build sets."""

    def __init__(self):
        self.show = os.environ['HWA_SHOW']
        self.ask = os.environ['HWA_ASK']
        self.hwa = os.environ['HWA']
        self.drivers = os.environ.get('HWA_TEST_DRIVERS')


PROGRAMS = Programs()


def run(*words, env=None):
    return subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})


class Machine:
    """Files of a machine with one processor, to which cards are added."""

    def __init__(self):
        self.facts = ['kernel Linux 6.8.0 x86_64', 'affinity 0']
        self.files = {'/proc/meminfo': 'MemTotal: 65536000 kB\n',
                      '/proc/cpuinfo': 'processor : 0\nvendor_id : GenuineIntel\n',
                      '/sys/devices/system/cpu/online': '0\n'}
        self.count = 0

    def card(self, driver, code, ids, files=None):
        """One function on the bus; its address."""
        self.count += 1
        address = f'0000:{self.count:02x}:00.0'
        self.files[f'{PCI}{address}/uevent'] = (
            (f'DRIVER={driver}\n' if driver else '') + f'PCI_CLASS={code}\nPCI_ID={ids}\n')
        for name, text in (files or {}).items():
            self.files[f'{PCI}{address}/{name}'] = text
        return address

    def name_list(self):
        """The system's list of names, as people have it."""
        for path in NAMES:
            if Path(path).exists():
                self.files[NAMES[0]] = Path(path).read_text(errors='replace')
                return
        raise NotHere('no pci.ids')

    def look(self):
        with tempfile.TemporaryDirectory() as folder:
            self.files['/hwa-host.txt'] = '\n'.join(self.facts) + '\n'
            for path, text in self.files.items():
                place = Path(folder + path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text)
            return System(run(PROGRAMS.show, folder).stdout)


class System:
    """A system as JSON, with shorter ways to its facts."""

    def __init__(self, text):
        self.json = json.loads(text)
        self.devices = self.json['devices']
        self.cards = [device for device in self.devices if device['kind'] != 'cpu']
        self.links = self.json['links']
        self.backends = {row['name']: row for row in self.json['backends']}

    def of(self, kind):
        return [device for device in self.devices if device['kind'] == kind]

    def attr(self, key):
        return self.json['attrs'].get(key, {}).get('value')

    def fabric(self):
        return [link for link in self.links if link['kind'] == 'fabric']


def attr(device, key):
    return device['attrs'].get(key, {}).get('value')


def memory(device):
    """The main memory: (size, bandwidth)."""
    if not device['memories']:
        return None, None
    return device['memories'][0]['size_bytes'], device['memories'][0]['bytes_per_second']


def cuda(lines):
    """What is found where the CUDA driver plays this scenario."""
    if not PROGRAMS.drivers:
        raise NotHere('no fake driver in this build')
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(Path(PROGRAMS.drivers, 'libcuda.so.1'), folder)
        Path(folder, 'cuda.scenario').write_text('\n'.join(lines) + '\n')
        done = run(PROGRAMS.hwa, 'list', '--json', '--backends', 'cuda', '--library-path', folder)
    return System(done.stdout)


def with_nvml(lines, *words):
    """What a subcommand of the tool prints where NVML plays this scenario."""
    if not PROGRAMS.drivers:
        raise NotHere('no fake driver in this build')
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(Path(PROGRAMS.drivers).parent / 'fakes/libfake-nvml.so',
                    Path(folder, 'libnvidia-ml.so.1'))
        Path(folder, 'nvml.scenario').write_text('\n'.join(lines) + '\n')
        return run(PROGRAMS.hwa, *words, '--json', '--backends', 'nvml', '--library-path',
                   folder).stdout


def nvml(lines):
    """What is found there."""
    system = System(with_nvml(lines, 'list'))
    if system.backends['nvml']['outcome'] == 'skipped':
        raise NotHere('no NVML in this build')
    return system


def watch_nvml(lines):
    """How its only device is doing."""
    nvml(lines)
    said = with_nvml(lines, 'watch', '--count', '1', '--interval', '0.1')
    samples = [json.loads(line) for line in said.splitlines()]
    return next(sample for sample in samples if sample['device'].startswith('pci-'))


def ask(what, content, *more, suffix=''):
    """What the program `ask` prints of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'file' + suffix)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        done = run(PROGRAMS.ask, what, path, *more)
    assert done.returncode == 0, f'ends with {done.returncode}'
    return done.stdout.strip()


def plan(devices, *words):
    """The plan of a model over a system, or the exit status where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'system.json')
        path.write_text(json.dumps({'schema': 1, 'devices': devices}))
        done = run(PROGRAMS.hwa, 'plan', *words, '--system', path, '--json')
    return json.loads(done.stdout) if done.returncode == 0 else done.returncode


KINDS = {'cpu': 'cpu', 'cuda': 'gpu', 'rocm': 'gpu', 'vulkan': 'gpu', 'tpu': 'tpu',
         'gaudi': 'asic', 'neuron': 'asic', 'intel_npu': 'npu'}


def devices_of(rows):
    """Devices as a system has them, of rows of a vector."""
    made = []
    for at, row in enumerate(rows):
        row = {'type': row} if isinstance(row, str) else row
        size = row.get('memory_bytes') or row.get('memory_gib', 1) << 30
        made.append({'id': f'{row["type"]}-{at}', 'kind': KINDS[row['type']],
                     'memory_bytes': size})
    return made
