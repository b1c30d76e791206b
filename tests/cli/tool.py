# SPDX-License-Identifier: MIT
"""Runs the command hwa, named by the environment variable HWA, as a shell would."""

import json
import os
import pathlib
import subprocess

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / 'docs' / 'schema'
# A small machine with two accelerators, for what must not hang on the machine of the test.
PAIR = ROOT / 'examples' / 'workstation.json'


class Done:
    """What a run left behind."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def json(self):
        return json.loads(self.out, object_pairs_hook=no_twice)


def no_twice(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f'a key is there twice: {keys}'
    return dict(pairs)


def hwa(*arguments, env=None, **options):
    """The tool without a terminal, in an environment that says nothing of colour or width."""
    clean = {key: value for key, value in os.environ.items()
             if key not in ('NO_COLOR', 'CLICOLOR_FORCE', 'COLUMNS', 'HWA_LOG')}
    clean.update(env or {})
    options.setdefault('stdout', subprocess.PIPE)
    options.setdefault('stdin', subprocess.DEVNULL)
    done = subprocess.run([os.environ['HWA'], *map(str, arguments)], stderr=subprocess.PIPE,
                          env=clean, timeout=120, **options)
    if done.stdout is None:
        done.stdout = b''
    return Done(done)


def validate(value, name):
    """Against docs/schema/NAME.json."""
    schema = json.loads((SCHEMAS / f'{name}.json').read_text())
    jsonschema.Draft202012Validator(schema).validate(value)
