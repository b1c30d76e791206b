# SPDX-License-Identifier: MIT
"""Plans: counts, options, what a person reads, and what does not fit."""

import os
import tempfile
import unittest

from tool import PAIR, ROOT, hwa, validate

SAVED = ['--system', PAIR]
MODEL = ROOT / 'examples' / 'model' / 'config.json'


class Plan(unittest.TestCase):
    def test_names(self):
        plan = hwa('plan', 'llama-3.2-1B', *SAVED, '--json').json
        self.assertEqual(plan['model']['name'], 'meta-llama/Llama-3.2-1B')
        self.assertEqual(plan['model']['parameters'], 1235814400)
        done = hwa('plan', 'no-such-model', *SAVED)
        self.assertEqual(done.code, 1)
        self.assertIn('no known name', done.err)

    def test_a_name_that_is_nearly_one(self):
        for name, meant in (('llama-3.1-8b', 'meta-llama/Meta-Llama-3.1-8B'),
                            ('mixtral-8x7b', 'mistralai/Mixtral-8x7B-v0.1'),
                            ('qwen/qwen3-33b', 'Qwen/Qwen3-32B'), ('gema-2b', 'gemma-2b')):
            done = hwa('plan', name, '--system', PAIR)
            self.assertEqual((done.code, done.out), (1, ''))
            self.assertIn(f"hwa: next: did you mean '{meant}'?", done.err)
            self.assertEqual(hwa('plan', meant, '--system', PAIR).code, 0)
        self.assertIn('list --models', hwa('plan', '????', '--system', PAIR).err)

    def test_the_list_of_names(self):
        done = hwa('list', '--models', '--json')
        self.assertEqual((done.code, done.err), (0, ''))
        validate(done.json, 'models')
        rows = {row['name']: row for row in done.json['models']}
        self.assertGreater(len(rows), 200)
        mixture = rows['deepseek-ai/DeepSeek-V3']
        self.assertAlmostEqual(mixture['parameters'] / 671e9, 1, delta=0.03)
        self.assertAlmostEqual(mixture['active_parameters'] / 37e9, 1, delta=0.05)
        for width in (60, 80, 120):
            lines = hwa('list', '--models', env={'COLUMNS': str(width)}).lines
            self.assertEqual(len(lines), len(rows) + 1)
            self.assertLessEqual(max(map(len, lines)), width)

    def test_counts(self):
        for count in ('8B', '8b', '1.5B', '500M', '125k', '8000000000', '0.01T'):
            done = hwa('plan', count, *SAVED)
            self.assertEqual((done.code, done.err), (0, ''), count)
        for count in ('8Q', 'B', '-8B', '0', '8BB', '1e9', 'nan', 'inf', '9999999999T', ''):
            done = hwa('plan', '--', count, *[]) if count.startswith('-') else hwa('plan', count)
            self.assertIn(done.code, (1, 2), count)
            self.assertEqual(done.out, '')

    def test_a_file_wins(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, '8B'), 'w') as file:
                file.write('no model')
            done = hwa('plan', '8B', *SAVED, cwd=folder)
        self.assertEqual(done.code, 1)

    def test_another_version(self):
        with tempfile.NamedTemporaryFile(suffix='.gguf') as file:
            file.write(b'GGUF\1\0\0\0' + bytes(24))
            file.flush()
            done = hwa('plan', file.name, *SAVED)
        self.assertEqual((done.code, done.out), (1, ''))
        self.assertIn('GGUF version 1', done.err)
        self.assertIn('next: give a GGUF', done.err)

    def test_a_byte_of_memory_is_known(self):
        machine = '{"devices": [{"id": "g", "kind": "gpu", "memory_bytes": 1}]}'
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            file.write(machine)
            file.flush()
            done = hwa('plan', '8B', '--system', file.name)
        self.assertEqual(done.code, 4)
        self.assertIn('0 B usable', done.err)

    def test_table(self):
        done = hwa('plan', '8B', *SAVED, '--context', '4096')
        for text in ('8.00B parameters', 'pci-0000:01:00.0', 'tokens/s', 'limited by', 'LAYERS',
                     'WEIGHTS', 'CACHE', 'FREE'):
            self.assertIn(text, done.out)

    def test_plans_that_lost(self):
        done = hwa('plan', '13B', *SAVED)
        rows = done.out.split('INSTEAD', 1)[1].splitlines()
        self.assertRegex(rows[0], r'TOKENS/S +WHY NOT$')
        self.assertTrue(any(row.endswith('slower') for row in rows[1:]), rows)
        self.assertTrue(any(' bits for a weight' in row for row in rows[1:]), rows)
        pinned = hwa('plan', '1B', *SAVED, '--set', 'engine=vllm', '--set', 'tensor_parallel=2')
        self.assertNotIn('INSTEAD', pinned.out)

    def test_a_narrow_screen_keeps_the_speed_whole(self):
        done = hwa('plan', '8B', *SAVED, env={'COLUMNS': '40'})
        self.assertLessEqual(max(map(len, done.lines)), 40)
        flat = ' '.join(done.out.split())
        self.assertRegex(flat, r'tokens/s, limited by memory bandwidth; likely \S+ to \S+ ')

    def test_file(self):
        done = hwa('plan', MODEL, *SAVED)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn('30 layers', done.out)

    def test_format(self):
        for name in ('q4_k', 'Q4_K', 'bf16'):
            self.assertIn(name.lower(), hwa('plan', '3B', *SAVED, '--format', name).out)

    def test_a_format_for_no_weights(self):
        done = hwa('plan', '3B', *SAVED, '--format', 'f64')
        self.assertEqual((done.code, done.out), (1, ''))
        self.assertIn('f64', done.err)
        self.assertIn('next: take another --format', done.err)

    def test_devices(self):
        done = hwa('plan', '8B', *SAVED, '--devices', 'pci-0000:05:00.0', '--json')
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn('01:00.0', done.out)

    def test_drafts(self):
        def plan(drafts):
            done = hwa('plan', 'MiMo-7B-Base', '--system', PAIR, '--json', '--set', 'engine=vllm',
                       '--set', f'drafts={drafts}')
            validate(done.json, 'plan')
            return done.json
        none, two = plan(0), plan(2)
        self.assertIsNone(none['drafts'])
        self.assertEqual(two['drafts'], {'tokens': 2, 'acceptance': .85, 'tokens_per_step': 2.5725})
        self.assertLess(two['speed']['token_seconds'], none['speed']['token_seconds'])
        self.assertGreater(two['footprint']['weights'], none['footprint']['weights'])
        self.assertGreater(two['footprint']['cache'], none['footprint']['cache'])

    def test_no_fit(self):
        for arguments in (['900B'], ['8B', '--format', 'f32', '--devices', 'pci-0000:05:00.0'],
                          ['8B', '--context', '1000000000']):
            done = hwa('plan', *arguments, *SAVED)
            self.assertEqual((done.code, done.out), (4, ''), arguments)
            error, following = done.err.splitlines()
            self.assertRegex(error, r'^hwa: error: .*\d')
            self.assertIn('--context', following)

    def test_context_and_batch_cost_memory(self):
        def cache(*options):
            plan = hwa('plan', '8B', *SAVED, '--json', *options).json
            return plan['footprint']['cache']
        self.assertLess(cache(), cache('--context', '8192'))
        self.assertEqual(2 * cache('--context', '8192'),
                         cache('--context', '8192', '--batch', '2'))


if __name__ == '__main__':
    unittest.main()
