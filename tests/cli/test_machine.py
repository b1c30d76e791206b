# SPDX-License-Identifier: MIT
"""Machines: this one, a captured one, a saved one; devices by id; strictness."""

import json
import os
import tempfile
import unittest

from tool import PAIR, hwa

SAVED = ['--system', PAIR]
# What a driver, a clock or the act of looking changes between two looks at the same files.
VOLATILE = ('elapsed_ns',)


def settled(system):
    """A system without what only a live machine has."""
    system = json.loads(json.dumps(system))
    system['flags'] = [flag for flag in system['flags'] if flag != 'live']
    system['attrs'].pop('host.name', None)  # a capture keeps it to itself
    for backend in system['backends']:
        for key in VOLATILE:
            del backend[key]
    for device in system['devices']:
        device['flags'] = [flag for flag in device['flags'] if flag != 'usable']
        for key in ('access', 'access_message', 'runtimes'):
            del device[key]
    return system


class Machine(unittest.TestCase):
    def test_capture_replays(self):
        with tempfile.TemporaryDirectory() as parent:
            folder = os.path.join(parent, 'tree')
            done = hwa('capture', folder)
            self.assertEqual((done.code, done.err), (0, ''))
            self.assertIn(folder, done.out)
            live = hwa('list', '--no-drivers', '--json').json
            replayed = hwa('list', '--sysroot', folder, '--json').json
            live['backends'] = replayed['backends'] = []
            self.assertEqual(settled(replayed), settled(live))
            self.assertNotIn('live', replayed['flags'])
            again = os.path.join(parent, 'again')
            self.assertEqual(hwa('capture', again, '--sysroot', folder).code, 0)
            twice = hwa('list', '--sysroot', again, '--json').json
            twice['backends'] = []
            self.assertEqual(settled(twice), settled(replayed))

    def test_plan_from_a_saved_list(self):
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            file.write(hwa('list', '--no-drivers', '--json').out)
            file.flush()
            done = hwa('plan', '100M', '--system', file.name)
            self.assertEqual(done.code, 0, done.err)

    def test_system_from_stdin(self):
        with open(PAIR, 'rb') as file:
            done = hwa('list', '--system', '-', stdin=file)
        self.assertEqual((done.code, done.out), (0, hwa('list', *SAVED).out))

    def test_a_broken_list_is_named(self):
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            file.write('{"devices": [{"id": 5}]}')
            file.flush()
            done = hwa('list', '--system', file.name)
        self.assertEqual((done.code, done.out), (1, ''))
        self.assertIn(f"error: '{file.name}': $.devices[0].id: should be a text", done.err)

    def test_nothing_there(self):
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            file.write('{"devices": []}')
            file.flush()
            self.assertEqual(hwa('list', '--system', file.name).out, 'no devices\n')
            self.assertEqual(hwa('--system', file.name).code, 0)

    def test_a_tree_is_a_folder(self):
        for tree in (PAIR, '/dev/null', '/nowhere'):
            done = hwa('list', '--sysroot', tree)
            self.assertEqual((done.code, done.out), (1, ''), tree)
            self.assertIn(str(tree), done.err)

    def test_unknown_device(self):
        for command in (['info', 'gpu-9'], ['plan', '8B', '--devices', 'cpu-0,gpu-9']):
            done = hwa(*command, *SAVED)
            self.assertEqual((done.code, done.out), (3, ''))
            for name in ('gpu-9', 'pci-0000:01:00.0', 'pci-0000:05:00.0', 'cpu-0'):
                self.assertIn(name, done.err)
        self.assertIn("'cpu-0'", hwa('info', 'cpu0', *SAVED).err)
        self.assertEqual(hwa('run', 'gemm', '--device', 'gpu-9').code, 3)

    def test_info(self):
        best = hwa('info', *SAVED)
        self.assertEqual(best.out, hwa('info', 'pci-0000:01:00.0', *SAVED).out)
        for text in ('RTX 4090', '24.0 GiB', 'table', '165 TFLOP/s', '10de:2684'):
            self.assertIn(text, best.out)

    def test_unknown_is_a_dash(self):
        system = json.loads(PAIR.read_text())
        system['devices'][0]['memories'] = []
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump(system, file)
            file.flush()
            row = hwa('list', '--system', file.name).lines[1]
            saved = hwa('list', '--system', file.name, '--json').json
        self.assertIn(' – ', row)
        self.assertNotIn(' 0 ', row)
        self.assertEqual(saved['devices'][0]['memories'], [])

    def test_require(self):
        self.assertEqual(hwa('list', '--require', *SAVED).code, 0)
        system = json.loads(PAIR.read_text())
        system['devices'] = system['devices'][2:]
        system['links'] = []
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump(system, file)
            file.flush()
            self.assertEqual(hwa('list', '--system', file.name).code, 0)
            self.assertEqual(hwa('list', '--require', '--system', file.name).code, 3)

    def test_doctor_on_devices(self):
        system = json.loads(PAIR.read_text())
        for status, advice in (('denied', 'usermod'), ('unavailable', 'lspci'),
                               ('device lost', 'restart')):
            system['devices'][0].update(access=status, access_message='as the test has it')
            with self.subTest(status), tempfile.NamedTemporaryFile('w', suffix='.json') as file:
                json.dump(system, file)
                file.flush()
                done = hwa('doctor', '--system', file.name)
                for text in ('pci-0000:01:00.0', 'as the test has it', advice):
                    self.assertIn(text, ' '.join(done.out.split()))
                told = hwa('doctor', '--system', file.name, '--json').json
                self.assertFalse(told['healthy'])
                self.assertEqual(told['shut'][0]['device'], 'pci-0000:01:00.0')
                self.assertIn(status, hwa('list', '--system', file.name).lines[1])

    def test_doctor_tells_once_what_holds_for_many(self):
        system = json.loads(PAIR.read_text())
        for device in system['devices'][:2]:
            device.update(access='denied', access_message='as the test has it')
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump(system, file)
            file.flush()
            out = hwa('doctor', '--system', file.name).out
        self.assertEqual(out.count('as the test has it'), 1)
        self.assertIn('pci-0000:01:00.0 and 1 like it', out)

    def test_doctor_on_runtimes(self):
        system = json.loads(PAIR.read_text())
        row = {'status': 'unavailable', 'flags': [], 'code_mask': 0, 'version': None,
               'message': 'as the test has it', 'device_name': None, 'device_uuid': None}
        for name, native_id, advice, other in (
                ('cuda', '0', 'nvidia-smi -c DEFAULT', 'install'),
                ('cuda', None, 'install', 'nvidia-smi'),
                ('opencl', '0.0', 'dmesg', 'install'),
                ('opencl', None, 'apt install ocl-icd-libopencl1', 'dmesg'),
                ('vulkan', None, 'apt install libvulkan1', 'dmesg')):
            system['devices'][0]['runtimes'] = [{**row, 'name': name, 'native_id': native_id}]
            with self.subTest(runtime=name, driver=native_id), \
                    tempfile.NamedTemporaryFile('w', suffix='.json') as file:
                json.dump(system, file)
                file.flush()
                told = hwa('doctor', '--system', file.name, '--json').json
                self.assertEqual(told['shut'][0]['runtime'], name)
                self.assertIn(advice, told['shut'][0]['remedy'])
                self.assertNotIn(other, told['shut'][0]['remedy'])

    def test_doctor(self):
        outcomes = {'missing': 'apt install', 'denied': 'usermod', 'timeout': '--timeout',
                    'crashed': 'driver', 'exited': 'reinstall', 'garbage': 'version',
                    'starved': 'ulimit', 'failed': 'dmesg'}
        self.assertEqual(hwa('doctor', '--strict', *SAVED).code, 0)
        system = json.loads(PAIR.read_text())
        for outcome, advice in outcomes.items():
            system['backends'][3].update(outcome=outcome, stage='clGetPlatformIDs',
                                         message='as the test has it')
            with self.subTest(outcome), tempfile.NamedTemporaryFile('w', suffix='.json') as file:
                json.dump(system, file)
                file.flush()
                look = ['--system', file.name]
                done = hwa('doctor', *look)
                self.assertEqual((done.code, done.err), (0, ''))
                for text in (outcome, 'clGetPlatformIDs', 'as the test has it', advice):
                    self.assertIn(text, ' '.join(done.out.split()))
                self.assertEqual(hwa('doctor', '--strict', *look).code, 5)
                self.assertEqual(hwa('list', '--strict', *look).code, 5)
                self.assertIn('hwa doctor', hwa('list', *look).err)
                self.assertIn('Next: hwa doctor', hwa(*look).out)


if __name__ == '__main__':
    unittest.main()
