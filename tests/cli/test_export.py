# SPDX-License-Identifier: MIT
"""Plans for other programs: arguments that those programs have, values of their kind, and words
that a shell takes as they are meant."""

import csv
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

from tool import PAIR, ROOT, hwa

SOURCES = ROOT / 'lib' / 'plan' / 'export'
FILES = {'llama.cpp': 'llamacpp.cpp', 'vllm': 'vllm.cpp', 'torchrun': 'torchrun.cpp',
         'deepspeed': 'deepspeed.cpp'}
CONFIG = str(ROOT / 'examples' / 'model')
TRAIN = ['--mode', 'train', '--set', 'engine=deepspeed', '--set', 'data_parallel=2']
# What is asked of each exporter, so that every argument it knows comes up.
CASES = [
    ('llama.cpp', ['8B']),
    ('llama.cpp', ['13B', '--context', '4096', '--batch', '3']),
    ('llama.cpp', ['30B', '--cache-format', 'q8_0']),
    ('llama.cpp', ['8B', '--devices', 'cpu-0']),
    ('llama.cpp', ['8B', '--set', 'engine=llama.cpp', '--set', 'pipeline_parallel=2',
                   '--devices', 'pci-0000:01:00.0,pci-0000:05:00.0', '--set', 'gpu_layers=20',
                   '--set', 'ubatch=256', '--set', 'unified_cache=1', '--set', 'full_window=1',
                   '--set', 'flash_attention=0']),
    ('vllm', ['8B', '--format', 'bf16']),
    ('vllm', ['8B', '--format', 'f8_e4m3', '--cache-format', 'f8_e5m2', '--batch', '8']),
    ('vllm', ['13B']),
    ('vllm', [CONFIG, '--set', 'engine=vllm', '--set', 'tensor_parallel=2', '--set',
              'expert_parallel=2', '--set', 'memory_share=0.85', '--set', 'graphs=0']),
    ('vllm', ['MiMo-7B-Base', '--set', 'engine=vllm', '--set', 'drafts=2']),
    ('vllm', ['1B', '--set', 'engine=vllm', '--set', 'data_parallel=2']),
    ('torchrun', ['13B']),
    ('torchrun', ['125M', *TRAIN]),
    ('deepspeed', ['125M', *TRAIN, '--zero', '3', '--set', 'offload_optimizer=1', '--set',
                   'offload_weights=1', '--micro-batch', '4', '--set', 'global_batch=64',
                   '--sequence', '512']),
    ('deepspeed', ['125M', *TRAIN, '--format', 'f16']),
]
KINDS = {
    'whole': lambda value: re.fullmatch(r'0|[1-9]\d*', value),
    'wholes': lambda value: re.fullmatch(r'(0|[1-9]\d*)(,(0|[1-9]\d*))*', value),
    'share': lambda value: 0 < float(value) <= 1,
    'path': lambda value: value and '\0' not in value,
    'host': lambda value: re.fullmatch(r'[\w.-]+', value),
    'drafts': lambda value: json.loads(value) == {'method': 'mtp', 'num_speculative_tokens': 2},
    'boolean': lambda value: value in ('True', 'False'),
}


def arguments():
    """The table: what each program's own sources define."""
    with open(pathlib.Path(__file__).parent / 'arguments.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    return {(row['program'], row['argument']): row for row in rows}


def leaves(value, path=''):
    if not isinstance(value, dict):
        return [(path, str(value))]
    return [leaf for key, inner in value.items()
            for leaf in leaves(inner, f'{path}.{key}' if path else key)]


def words(text):
    """Environment, program and (option, value) pairs of a command line. What has to be said by the
    caller is said."""
    text = re.sub(r'"\$\{(\w+):\?[^}]*\}"', r'SAID', text)
    split = shlex.split(text.replace('\\\n', ' '), comments=True)
    environment = []
    while re.fullmatch(r'[A-Z_]+=.*', split[0]):
        environment.append(split.pop(0))
    options = []
    for word in split:
        if word.startswith('--'):
            options.append((word, ''))
        elif options and options[-1][1] == '':
            options[-1] = (options[-1][0], word)
    return environment, split[0], options


def said(program, text):
    if program == 'deepspeed':
        return leaves(json.loads(text))
    return words(text)[2]


class Export(unittest.TestCase):
    def export(self, program, *asked, machine=PAIR):
        done = hwa('plan', *asked, '--system', machine, '--export', program)
        self.assertEqual((done.code, done.err), (0, ''), asked)
        return done.out

    def test_arguments(self):
        table = arguments()
        seen = set()
        for program, asked in CASES:
            for argument, value in said(program, self.export(program, *asked)):
                with self.subTest(program=program, asked=asked, argument=argument):
                    self.assertIn((program, argument), table)
                    kind = table[program, argument]['kind']
                    if kind == 'flag':
                        self.assertIn(value, ('', 'SAID'))  # the script may follow
                    elif '|' in kind:
                        self.assertIn(value, kind.split('|'))
                    else:
                        self.assertTrue(KINDS[kind](value), value)
                    seen.add((program, argument))
        several = {('torchrun', name) for name in ('--nnodes', '--node-rank', '--master-addr')}
        self.assertEqual(set(table) - seen, several)  # of several hosts

    def test_the_table_has_every_argument_of_the_sources(self):
        table = arguments()
        for program, name in FILES.items():
            text = (SOURCES / name).read_text()
            for argument in re.findall(r'"(--[a-z-]+)"', text):
                self.assertIn((program, argument), table)
            if program == 'deepspeed':
                known = {part for row, path in table if row == program for part in path.split('.')}
                self.assertEqual(set(re.findall(r'"([a-z_]+[a-z0-9_]*)"', text))
                                 - {'cpu'} - known, set())
        self.assertEqual({path.name for path in SOURCES.glob('*.cpp')} - set(FILES.values()),
                         {'command.cpp', 'export.cpp', 'hosts.cpp'})

    def test_rows_have_a_source(self):
        for row in arguments().values():
            self.assertRegex(row['repository'], r'^[\w.-]+/[\w.-]+$')
            self.assertRegex(row['commit'], r'^[0-9a-f]{40}$')
            self.assertTrue(row['path'])

    def test_layers_are_dealt_as_planned(self):
        plan = hwa('plan', '13B', '--system', PAIR, '--json').json
        counts = [stage['layer_count'] for stage in plan['stages']]
        counts[-1] += 1  # the output
        environment, program, options = words(self.export('llama.cpp', '13B'))
        options = dict(options)
        self.assertEqual(program, 'llama-server')
        self.assertEqual(options['--tensor-split'], ','.join(map(str, counts)))
        self.assertEqual(options['--gpu-layers'], str(sum(counts)))
        self.assertEqual(environment, ['CUDA_DEVICE_ORDER=PCI_BUS_ID', 'CUDA_VISIBLE_DEVICES=0,1'])

    def test_uneven_stages(self):
        plan = hwa('plan', '13B', '--system', PAIR, '--json').json
        counts = ','.join(str(stage['layer_count']) for stage in plan['stages'])
        environment, program, options = words(self.export('vllm', '13B'))
        self.assertIn(f'VLLM_PP_LAYER_PARTITION={counts}', environment)
        self.assertIn(('--pipeline-parallel-size', '2'), options)

    def machine(self, folder, change):
        machine = json.loads(PAIR.read_text())
        machine['links'] = []
        change(machine)
        path = os.path.join(folder, 'machine.json')
        with open(path, 'w') as file:
            json.dump(machine, file)
        return path

    def test_devices_by_name_or_number(self):
        """A name that the driver gave holds best; a number only while no variable filtered."""
        def name(machine):
            for number, device in enumerate(machine['devices'][:2]):
                device['attrs']['nvidia.uuid'] = {'value': f'GPU-{number}a', 'source': 'driver'}

        def number(machine):
            for place, device in enumerate(machine['devices'][:2]):
                device['id'] = f'gpu-{place}'
                device['attrs']['cuda.ordinal'] = {'value': 1 - place, 'source': 'driver'}

        def filtered(machine):
            number(machine)
            machine['devices'][0]['attrs']['cuda.environment'] = {
                'value': 'CUDA_VISIBLE_DEVICES=4,2', 'source': 'measured'}

        for change, expected in ((name, 'GPU-0a,GPU-1a'), (number, '1,0'), (filtered, 'SAID')):
            with tempfile.TemporaryDirectory() as folder:
                path = self.machine(folder, change)
                environment, _, _ = words(self.export('torchrun', '13B', machine=path))
                self.assertEqual(environment, [f'CUDA_VISIBLE_DEVICES={expected}'])

    def test_makers_that_do_not_mix(self):
        def change(machine):
            device = machine['devices'][1]
            device.update(vendor='amd', pci_vendor=0x1002, name='AMD Radeon RX 7900 XTX')
            for place, device in enumerate(machine['devices'][:2]):
                device['attrs']['vulkan.index'] = {'value': 5 + place, 'source': 'driver'}
        with tempfile.TemporaryDirectory() as folder:
            path = self.machine(folder, change)
            environment, _, _ = words(self.export('llama.cpp', '13B', machine=path))
            self.assertEqual(environment, ['GGML_VK_VISIBLE_DEVICES=5,6'])
            done = hwa('plan', '13B', '--system', path, '--export', 'vllm')
            self.assertEqual((done.code, done.out), (1, ''))
            self.assertIn('do not run one model together', done.err)

    def test_a_path_is_quoted(self):
        """The shell sees one word, whatever the file is called, and nothing is run."""
        with tempfile.TemporaryDirectory() as folder:
            odd = os.path.join(folder, "it's $(touch gone) `x` \"y\"; & *")
            os.mkdir(odd)
            with open(os.path.join(odd, 'config.json'), 'w') as file:
                file.write((ROOT / 'examples' / 'model' / 'config.json').read_text())
            text = self.export('vllm', odd, '--set', 'engine=vllm')
            shell = f"vllm() {{ printf '%s\\n' \"$2\"; }}\n{text}"
            shown = subprocess.run(['bash', '-c', re.sub(r'(?m)^[A-Z_]+=.*\\\n', '', shell)],
                                   cwd=folder, stdout=subprocess.PIPE, check=True, timeout=60)
            self.assertEqual(shown.stdout.decode(), odd + '\n')
            self.assertEqual(os.listdir(folder), [os.path.basename(odd)])

    def test_what_is_lacking_stops_the_shell(self):
        text = self.export('torchrun', '13B')
        done = subprocess.run(['bash', '-c', text], stderr=subprocess.PIPE, env={}, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b'the training script', done.stderr)

    def test_refused(self):
        for program, asked, sentence in [
                ('mpirun', ['8B'], 'only to llama.cpp, vllm, torchrun, deepspeed'),
                ('llama.cpp', ['125M', *TRAIN], 'no program to train with'),
                ('llama.cpp', ['1B', '--set', 'engine=vllm', '--set', 'data_parallel=2'],
                 'by layers'),
                ('vllm', ['125M', *TRAIN], 'no program to train with'),
                ('vllm', ['8B', '--format', 'q4_k'], 'does not turn weights into q4_k'),
                ('vllm', ['8B', '--cache-format', 'q8_0'], 'keys and values in q8_0'),
                ('vllm', ['8B', '--devices', 'cpu-0'], 'cpu-0'),
                ('llama.cpp', ['8B', '--cache-format', 'f8_e4m3'], 'keys and values in f8_e4m3'),
                ('torchrun', ['8B', '--devices', 'cpu-0'], 'cpu-0'),
                ('deepspeed', ['8B'], 'no training'),
                ('deepspeed', ['125M', *TRAIN, '--set', 'global_batch=3'], '3 sequences')]:
            with self.subTest(program=program, asked=asked):
                done = hwa('plan', *asked, '--system', PAIR, '--export', program)
                self.assertIn(done.code, (1, 2))
                self.assertEqual(done.out, '')
                self.assertIn(sentence, done.err)


if __name__ == '__main__':
    unittest.main()
