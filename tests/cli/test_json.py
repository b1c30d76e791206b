# SPDX-License-Identifier: MIT
"""Every --json is JSON, by its schema in docs/schema."""

import json
import tempfile
import unittest

import jsonschema

from tool import PAIR, hwa, validate

SAVED = ['--system', PAIR]


class Schemas(unittest.TestCase):
    def check(self, name, *arguments):
        done = hwa(*arguments, '--json')
        self.assertEqual((done.code, done.err), (0, ''))
        validate(done.json, name)
        self.assertEqual(done.json['schema'], 1)
        return done.json

    def test_this_machine(self):
        system = self.check('system', 'list')
        self.assertEqual(system['schema'], 1)
        self.assertIn('cpu-0', [device['id'] for device in system['devices']])
        for key in ('devices', 'links', 'backends'):
            self.assertIsInstance(system[key], list)
        for backend in system['backends']:
            self.assertLessEqual({'name', 'outcome', 'message'}, set(backend))
        self.check('doctor', 'doctor')
        self.check('info', 'info', 'cpu-0')

    def test_summary_is_the_list(self):
        self.assertEqual(hwa(*SAVED, '--json').out, hwa('list', *SAVED, '--json').out)

    def test_saved_machine(self):
        self.check('system', 'list', *SAVED)
        self.check('doctor', 'doctor', *SAVED)
        self.check('plan', 'plan', '8B', *SAVED)
        self.check('version', 'version')

    def test_plans_of_training(self):
        asked = ['125M', '--sequence', '512', '--set', 'data_parallel=2', '--set',
                 'engine=deepspeed', '--micro-batch', '2', '--zero', '2', '--recompute', 'full']
        plan = self.check('plan', 'plan', '--mode', 'train', *asked, *SAVED)
        self.assertEqual(plan['parallel'],
                         {'tensor': 1, 'attention_data': 1, 'context': 1, 'expert': 1,
                          'pipeline': 1, 'data': 2})
        self.assertEqual(plan['training'],
                         {'sequence_tokens': 512, 'micro_batch': 2, 'global_batch': None,
                          'zero_stage': 2, 'recompute': 'full',
                          'optimizer_on_host': False, 'weights_on_host': False})
        self.assertEqual(len(plan['stages']), 2)
        self.assertIsNone(self.check('plan', 'plan', '8B', *SAVED)['training'])

    def test_schemas_refuse(self):
        for name, bad in (('system', {'schema': 1}), ('version', {'schema': 1, 'tool': '1'}),
                          ('info', {'schema': 1, 'device': {'id': 1}}),
                          ('doctor', {'schema': 1, 'healthy': 'yes', 'backends': [], 'shut': []})):
            with self.assertRaises(jsonschema.ValidationError, msg=name):
                validate(bad, name)

    def test_info_is_a_slice_of_the_list(self):
        for device in hwa('list', *SAVED, '--json').json['devices']:
            self.assertEqual(hwa('info', device['id'], *SAVED, '--json').json['device'], device)

    def test_capture(self):
        with tempfile.TemporaryDirectory() as folder:
            written = self.check('capture', 'capture', folder)
            self.assertEqual(written['folder'], folder)
            self.assertGreater(written['files'], 0)

    def test_failure_prints_no_json(self):
        done = hwa('info', 'gpu-9', *SAVED, '--json')
        self.assertEqual((done.code, done.out), (3, ''))

    def test_round_trip(self):
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            file.write(hwa('list', *SAVED, '--json').out)
            file.flush()
            again = hwa('list', '--system', file.name, '--json')
            self.assertEqual(again.json, hwa('list', *SAVED, '--json').json)

    def test_hostile_text_is_escaped(self):
        system = json.loads(PAIR.read_text())
        system['devices'][0]['name'] = 'a"b\\c\n\t\x01\x7fé'
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump(system, file)
            file.flush()
            first = hwa('info', '--system', file.name, '--json').json['device']
        self.assertEqual(first['name'], 'a"b\\c????é')


if __name__ == '__main__':
    unittest.main()
