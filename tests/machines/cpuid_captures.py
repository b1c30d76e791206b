# SPDX-License-Identifier: MIT
"""Processors by what others had them answer to CPUID, of which the first is put into a tree."""

import json
import subprocess
import tarfile
from pathlib import Path

# Archive: name, family, model, L1d and L2 in KiB, whether it has vectors of bf16.
EXPECTED = {
    'x86-AMD-19h-Zen4-2xEpyc-9654': ('AMD EPYC 9654 96-Core Processor', 0x19, 0x11, 32, 1024, 1),
    'x86-AMD-1Ah-Zen5StrixPoint-RyzenAI9HX370':
        ('AMD Ryzen AI 9 HX 370 w/ Radeon 890M', 0x1a, 0x24, 48, 1024, 1),
}


def facts(text):
    """Lines "mask eax ebx ecx edx => eax ebx ecx edx", all in hexadecimal."""
    yield 'kernel Linux 6.8.0 x86_64\naffinity 0\nxcr0 0xe7\n'
    for line in text.splitlines():
        asked, arrow, told = line.partition(' => ')
        if arrow and not line.startswith('#'):
            _, leaf, _, subleaf, _ = asked.split()
            yield f'cpuid 0x{leaf} 0x{subleaf} ' + ' '.join('0x' + each for each in told.split())
            yield '\n'


def faults(show, data, folder):
    """Yields a sentence for each processor that is not what it says of itself."""
    for archive, expected in EXPECTED.items():
        path = Path(data, 'captures/hwloc', archive + '.tar.bz2')
        if not path.exists():
            print(f'{path}: is not there')
            continue
        root = Path(folder, archive)
        with tarfile.open(path) as tar:
            tar.extractall(root / 'aside')
        (root / 'hwa-host.txt').write_text(
            ''.join(facts(next((root / 'aside').rglob('pu0')).read_text())))
        online = root / 'sys/devices/system/cpu/online'
        online.parent.mkdir(parents=True)
        online.write_text('0\n')
        run = subprocess.run([show, str(root)], capture_output=True, text=True, timeout=60)
        if run.returncode != 0:
            yield f'{archive}: ends with {run.returncode}: {run.stderr.strip()}'
            continue
        device = json.loads(run.stdout)['devices'][0]
        attrs = {key: each['value'] for key, each in device['attrs'].items()}
        caches = {each['name']: each['size_bytes'] for each in device['memories']}
        got = (device['name'], attrs.get('cpu.family'), attrs.get('cpu.model'),
               caches.get('L1d', 0) // 1024, caches.get('L2', 0) // 1024,
               attrs.get('cpu.avx512_bf16'))
        if got != expected:
            yield f'{archive}: is {got}, not {expected}'
