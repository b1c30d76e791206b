# SPDX-License-Identifier: MIT
"""Data sheets of the devices that tables name in their own ways."""

import json
import re
from pathlib import Path

# Words that tell nothing of the product.
NOISE = re.compile(r'\((tm|r)\)|®|\bnvidia\b|\bgeforce\b|\bamd\b|\bradeon\b|\bintel\b|\btesla\b|'
                   r'\bgraphics\b|\blaptop\b|\bgpu\b|\bai pro\b|\bpro ai\b|\b(?:\d+ ?gb)\b|-core|'
                   r'\bxe\b|\bdesktop\b')
# What is left of a name -> the id of a sheet, where the words are not those of the id.
ALIASES = {
    'a100': 'a100_sxm_80', 'a100 80gb': 'a100_sxm_80', 'a100_80gb': 'a100_sxm_80',
    'a100-pcie': 'a100_pcie_80', 'h100': 'h100_pcie', 'h20_96gb': 'h20',
    'p100': 'p100_pcie_16', 'p100-pcie-': 'p100_pcie_16', 'a100 pcie': 'a100_pcie_80',
    'v100': 'v100_sxm_32', 'spark': 'gb10', 'gb10 (dgx spark)': 'gb10',
    '8060s (strix halo)': 'strix_halo', '8060s': 'strix_halo', 'ryzen ai max+ 395': 'strix_halo',
    'pro w7700': 'w7700', 'pro w7800': 'w7800', 'pro w7900': 'w7900',
    '4000 sff ada': 'rtx_4000_ada', 'rtx 4000 sff ada': 'rtx_4000_ada',
    'a6000': 'rtx_a6000', 'a5000': 'rtx_a5000', 'a4500': 'rtx_a4500',
    'a4000': 'rtx_a4000', 'spacemit k1 (cpu)': 'cpu_spacemit_k1', 'arc 130v/140v': 'arc_140v',
    '840m / 860m': 'radeon_840m', 'alder lake-p gt2 [iris ]': 'iris_xe', 'n150': 'cpu_n150',
    '780m': 'radeon_780m', '890m': 'radeon_890m', '680m': 'radeon_680m',
    'ryzen 7 7840hs': 'cpu_ryzen_7840hs', 'ryzen 5 7640u': 'cpu_ryzen_7640u',
    'ryzen 7 8745h w/ 780m': 'cpu_ryzen_8745h', 'core ultra 7 155h': 'cpu_ultra_155h',
    'core(tm) ultra 7 155h': 'cpu_ultra_155h', 'rtx 6000 ada': 'rtx_6000_ada',
    'rtx pro 6000 blackwell': 'rtx_pro_6000', 'rx vega 64': 'vega_64', 'rx vega 56': 'vega_56',
}
# Whole machines, by what their names hold.
SYSTEMS = [(re.compile(pattern, re.I), name) for pattern, name in (
    (r'\bpi ?(cm5|5\b|500)|\bcm5\b', 'cpu_pi5'), (r'\bpi ?(4\b|400)', 'cpu_pi4'),
    (r'orion o6|ms-r1', 'cpu_cix_p1'), (r'p550', 'cpu_p550'), (r'q8400', 'cpu_core2_q8400'),
    (r'ampereone', 'cpu_ampereone_192'), (r'ampere altra|altra max', 'cpu_altra_128'),
    (r'395\+|gtr9|strix halo', 'strix_halo'), (r'\bn150\b', 'cpu_n150'))]
APPLE = re.compile(r'\bm(\d)[ -]*(?:m\d )?(pro|max|ultra)?(?:\D*?(\d+)[ -‑]*core)?', re.I)


class Sheets:
    """Rows that lie beside this file, then those of hardware.json in the folder."""

    def __init__(self, folder):
        self.rows = {}
        for path in (folder / 'hardware.json', Path(__file__).parent / 'data' / 'devices.json'):
            if path.exists():
                self.rows.update({row['id']: row for row in json.loads(path.read_text())['rows']})

    def apple(self, name, cores):
        found = APPLE.search(name)
        if not found:
            return None
        base = 'apple_m' + '_'.join(part.lower() for part in found.groups()[:2] if part)
        cores = cores or found.group(3)
        return self.rows.get(f'{base}_{cores}') or self.rows.get(base)

    def named(self, name, cores=None):
        """The sheet of a device by a name that people give it, or None."""
        text = name.lower().replace('\u2011', '-')
        if 'apple' in text or re.match(r'm\d\b', text):
            return self.apple(text.replace('m1 m1', 'm1').replace('m4 m4', 'm4'), cores)
        sizes = re.findall(r'(\d+) ?gb', text)
        short = ' '.join(NOISE.sub(' ', text.replace('(integrated)', '')).split())
        for key in (ALIASES.get(short), ALIASES.get(text.strip()), short.replace(' ', '_'),
                    'rtx_' + short.replace(' ', '_'), 'gtx_' + short.replace(' ', '_'),
                    'rx_' + short.replace(' ', '_').removeprefix('rx_')):
            for size in sizes:
                if f'{key}_{size}' in self.rows:
                    return self.rows[f'{key}_{size}']
            if key in self.rows:
                return self.rows[key]
        for pattern, key in SYSTEMS:
            if pattern.search(text) and key in self.rows:
                return self.rows[key]
        return self.rows.get(text.replace('-', '_'))
