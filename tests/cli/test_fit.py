# SPDX-License-Identifier: MIT
"""Which models fit: rows agree with plans, and the context is the longest there is room for."""

import json
import tempfile
import unittest

from tool import PAIR, ROOT, hwa, validate

SAVED = ['--system', PAIR]
CONFIG = ROOT / 'examples' / 'model'


class Fit(unittest.TestCase):
    def test_rows_are_the_plans(self):
        done = hwa('fit', '1B', '13B', CONFIG, *SAVED, '--json')
        self.assertEqual((done.code, done.err), (0, ''))
        validate(done.json, 'fit')
        self.assertEqual([row['model'] for row in done.json['models']], ['1B', '13B', str(CONFIG)])
        for row in done.json['models']:
            plan = hwa('plan', row['model'], *SAVED, '--json').json
            self.assertEqual(row['format'], plan['weights']['format'])
            self.assertEqual(row['memory_bytes'], plan['footprint']['total'])
            self.assertEqual(row['tokens_per_second'], plan['speed']['tokens_per_second'])
            self.assertEqual(row['devices'], [stage['device'] for stage in plan['stages']])

    def test_the_longest_context(self):
        """There is room for it, and none for the next step; or it is the model's own limit."""
        for model, options in (('13B', []), ('8B', ['--batch', '8']),
                               ('30B', []), (CONFIG, [])):
            row = hwa('fit', model, *options, *SAVED, '--json').json['models'][0]
            limit = hwa('plan', model, *options, *SAVED, '--json').json['model']['context_limit']
            pinned = ['plan', model, *options, *SAVED, '--format', row['format'], '--devices',
                      ','.join(row['devices']), '--context']
            self.assertEqual(hwa(*pinned, row['context_tokens']).code, 0, model)
            if row['context_tokens'] != limit:
                self.assertEqual(hwa(*pinned, row['context_tokens'] + 256).code, 4, model)

    def test_what_does_not_fit(self):
        done = hwa('fit', '8B', '900B', *SAVED)
        self.assertEqual((done.code, done.err), (0, ''))
        self.assertRegex(done.out, r'(?m)^900B +900B +no')
        self.assertRegex(' '.join(done.out.split()), r'900B needs \S+ GiB at q2_k')
        self.assertEqual(hwa('fit', '900B', '800B', *SAVED).code, 4)
        done = hwa('fit', '900B', *SAVED, '--json')
        self.assertEqual(done.code, 4)
        validate(done.json, 'fit')

    def test_a_file_that_is_none(self):
        done = hwa('fit', '8B', '/nowhere/model.gguf', *SAVED)
        self.assertEqual((done.code, done.out), (1, ''))
        self.assertIn('/nowhere/model.gguf', done.err)

    def test_narrow(self):
        for width in (40, 80, 120):
            done = hwa('fit', '8B', '70B', '900B', *SAVED, env={'COLUMNS': str(width)})
            self.assertLessEqual(max(map(len, done.lines)), width)

    def test_several_machines_are_one(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number in range(2):
                machine = json.loads(PAIR.read_text())
                machine['attrs']['host.name'] = {'value': f'node-{number}', 'source': 'kernel'}
                paths.append(f'{folder}/{number}.json')
                with open(paths[-1], 'w') as file:
                    json.dump(machine, file)
            both = ['--system', paths[0], '--system', paths[1]]
            row = hwa('fit', '30B', '--format', 'bf16', *both, '--json').json['models'][0]
            self.assertEqual({name.split('/')[0] for name in row['devices']},
                             {'node-0', 'node-1'})
            # Its stages change hosts more often than programs can be told to.
            for name in ('llama.cpp', 'torchrun', 'vllm'):
                done = hwa('plan', '30B', '--format', 'bf16', *both, '--export', name)
                self.assertEqual(done.code, 1)
                self.assertIn('from host to host and back', done.err)


if __name__ == '__main__':
    unittest.main()
