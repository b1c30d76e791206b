# SPDX-License-Identifier: MIT
"""Machines for hire: their names, plans over them, what a plan costs, and rows that are refused."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from tool import PAIR, ROOT, hwa, validate

DATA = ROOT / 'lib' / 'data'
EIGHT = 'nebius/gpu-h100-sxm_8gpu-128vcpu-1600gb'


def generate(machines, devices):
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ('m.csv', 'd.csv', 'out')]
        paths[0].write_text(machines)
        paths[1].write_text(devices)
        return subprocess.run([sys.executable, DATA / 'generate_machines.py', *paths],
                              stderr=subprocess.PIPE, text=True, timeout=60)


class Hire(unittest.TestCase):
    def test_names(self):
        done = hwa('list', '--machines', '--json')
        self.assertEqual((done.code, done.err), (0, ''))
        validate(done.json, 'machines')
        rows = {row['name']: row for row in done.json['machines']}
        self.assertEqual(list(rows), sorted(rows))
        self.assertEqual(rows[EIGHT]['count'], 8)
        for name, row in rows.items():
            self.assertRegex(row['source'], r'^\S+/\S+ \S+ [0-9a-f]{40}$', name)
            system = hwa('list', '--machine', name, '--json').json
            validate(system, 'system')
            self.assertEqual(system['catalog_name'], name)
            self.assertEqual(system['usd_per_hour'], row['usd_per_hour'])
            for device in system['devices']:
                self.assertGreater(device['memories'][0]['bytes_per_second'], 1e11, name)
                half = device['compute'].get('f16') or device['compute']['bf16']
                self.assertGreater(half['ops_per_second'], 1e13, name)
            self.assertEqual(row['host_bytes'] is None, name.startswith('gcp/tpu-'), name)
        for width in (60, 80, 120):
            lines = hwa('list', '--machines', env={'COLUMNS': str(width)}).lines
            self.assertEqual(len(lines), len(rows) + 1)
            self.assertLessEqual(max(map(len, lines)), width)

    def test_a_switch_joins_all(self):
        system = hwa('list', '--machine', EIGHT.upper(), '--json').json
        self.assertEqual(len(system['links']), 8 * 7 // 2)
        self.assertEqual({link['kind'] for link in system['links']}, {'fabric'})

    def test_formats_of_one_quality(self):
        """Eight bits as engines that share tensors out have them, where that is faster."""
        asked = ['plan', '405B', '--machine', EIGHT, '--json']
        plan = hwa(*asked).json
        self.assertEqual(plan['weights']['format'], 'f8_e4m3')
        self.assertEqual(plan['parallel']['tensor'], 8)
        self.assertEqual(hwa(*asked, '--objective', 'quality').json['weights']['format'], 'q8_0')
        other = hwa(*asked, '--format', 'q8_0').json
        self.assertGreater(plan['speed']['tokens_per_second'],
                           2 * other['speed']['tokens_per_second'])
        for model in ('405B', '70B'):
            shown = hwa('plan', model, '--machine', EIGHT).out
            self.assertIn('times slower', shown)
            self.assertNotRegex(shown, r'(\S+) bits for a weight, not \1\n')
            self.assertNotIn('take turns', shown)
        self.assertIn('take turns', hwa('plan', '405B', '--machine', EIGHT, '--format', 'q8_0').out)

    def test_published_in_four_bits(self):
        """Cards share out what is published in a format that engines know."""
        plan = hwa('plan', 'gpt-oss-120b', '--machine', EIGHT, '--batch', '32', '--json').json
        self.assertEqual(plan['weights']['format'], 'mxfp4')
        self.assertGreater(plan['parallel']['tensor'] * plan['parallel']['data'], 1)
        other = hwa('plan', 'gpt-oss-120b', '--machine', EIGHT, '--batch', '32', '--json',
                    '--set', 'tensor_parallel=1', '--set', 'data_parallel=1').json
        self.assertGreater(plan['speed']['tokens_per_second'],
                           1.5 * other['speed']['tokens_per_second'])

    def test_alternatives_are_others(self):
        """The same on another card of the kind is no other plan."""
        shown = hwa('plan', 'Llama-3.2-1B', '--machine', EIGHT, '--max-devices', '1').out
        self.assertIn('INSTEAD', shown)
        self.assertNotIn('no faster', shown)

    def test_cost(self):
        """Dollars of an hour over the tokens of an hour."""
        plan = hwa('plan', '8B', '--machine', EIGHT, '--json').json
        self.assertEqual(plan['usd_per_hour'], 23.6)
        tokens = 3600 * plan['speed']['tokens_per_second']
        self.assertAlmostEqual(plan['usd_per_million_tokens'] / (23.6e6 / tokens), 1)
        shown = hwa('plan', '8B', '--machine', EIGHT).out
        self.assertRegex(shown, r'(?m)^Cost +\$\S+ for a million tokens, at \$23\.60 an hour$')
        done = hwa('plan', '8B', '--machine', EIGHT, '--objective', 'cost', '--json')
        self.assertEqual(done.code, 0, done.err)

    def test_all_alike_need_no_numbers(self):
        """Of a machine that is used as a whole, which device is which does not matter."""
        small = ['plan', '125M', '--sequence', '512', '--mode', 'train', '--export', 'torchrun',
                 '--machine', EIGHT]
        text = hwa(*small, '--set', 'engine=torch', '--set', 'data_parallel=8').out
        self.assertRegex(text, r'^torchrun ')
        text = hwa(*small, '--set', 'engine=torch', '--set', 'data_parallel=2').out
        self.assertRegex(text, r'^CUDA_VISIBLE_DEVICES="\$\{CUDA_VISIBLE_DEVICES:\?')

    def test_misspelt(self):
        done = hwa('plan', '8B', '--machine', EIGHT[:-1])
        self.assertEqual((done.code, done.out), (2, ''))
        self.assertIn(f"did you mean '{EIGHT}'?", done.err)
        done = hwa('plan', '8B', '--machine', 'moon/base')
        self.assertIn('hwa list --machines', done.err)
        self.assertEqual(hwa('list', '--machine', EIGHT, '--system', PAIR).code, 2)

    def test_rows_that_are_refused(self):
        machines = (DATA / 'machines.csv').read_text()
        devices = (DATA / 'machine_devices.csv').read_text()
        self.assertEqual(generate(machines, devices).returncode, 0)
        head, first = machines.splitlines()[:2]
        fields = first.split(',')
        for column, value, why in (('source', '', 'no source'), ('date', '', 'no date'),
                                   ('date', 'soon', 'no date'), ('revision', 'main', 'no revision'),
                                   ('usd_per_hour', '0', 'no price'), ('count', '0', 'no count'),
                                   ('device', 'NVIDIA H1', 'no row of the devices'),
                                   ('name', 'instance', 'PROVIDER/INSTANCE')):
            changed = list(fields)
            changed[head.split(',').index(column)] = value
            done = generate(f'{head}\n{",".join(changed)}\n', devices)
            self.assertNotEqual(done.returncode, 0, column)
            self.assertIn(why, done.stderr)
        bare = devices.replace('NVIDIA A100 datasheet', '')
        self.assertIn('no document', generate(machines, bare).stderr)


if __name__ == '__main__':
    unittest.main()
