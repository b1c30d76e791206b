#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes each file of a machine away, then spoils it, and compares what becomes of the system with
mutate.json: exactly the facts that come from the file become unknown, and nothing else changes.

usage: mutate.py SHOW MACHINE [--update]

A line of mutate.json is "-FACT" for one that becomes unknown, "~FACT" for one that is told in
another way (a sentence, a name, the next best source), "+FACT" for one that was not there before.
A spoilt file has lines of its own only where it differs from one that is missing; a number may not,
and what is spoilt is no text either.
With --update, mutate.json is written anew, to be read before it is committed."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tree import unpack

SPOILT = bytes(range(1, 256)) * 16


def without_sources(value):
    if isinstance(value, dict):
        return {key: without_sources(each) for key, each in value.items()
                if key not in ('source', 'size_source', 'sources')}
    return [without_sources(each) for each in value] if isinstance(value, list) else value


def tabulate(system):
    """The system with tables in place of lists, and without times, sources and ways to run work."""
    system['backends'] = {row['name']: row['outcome'] for row in system['backends']
                          if row['outcome'] != 'absent'}
    system['links'] = {f'{link["a"]} {link["b"]}': link for link in system['links']}
    for device in system['devices']:
        device.pop('runtimes')
        device['memories'] = {f'{at}': memory for at, memory in enumerate(device['memories'])}
        device['attrs'] = {key: attr['value'] for key, attr in device['attrs'].items()}
    system['attrs'] = {key: attr['value'] for key, attr in system.get('attrs', {}).items()}
    system['devices'] = {device['id']: device for device in system['devices']}
    return system


def look(show, root):
    run = subprocess.run([show, str(root)], capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        sys.exit(f'ends with {run.returncode}: {run.stderr}')
    return without_sources(tabulate(json.loads(run.stdout)))


def is_garbled(value):
    """Bytes that are not fit to print are shown as question marks, if at all."""
    return isinstance(value, str) and '??' in value


def differences(before, after, place=''):
    """Yields (line, whether a number or a garbled text took the place of another)."""
    for key in sorted({*before, *after}):
        old, new, path = before.get(key), after.get(key), f'{place}/{key}' if place else key
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new, path)
        elif new is None or new == []:
            yield '-' + path, False
        elif old is None or old == []:
            yield '+' + path, is_garbled(new)
        else:
            yield '~' + path, isinstance(new, (int, float)) or is_garbled(new)


def mutations(show, text):
    """What becomes of the system without each file, and with each spoilt."""
    with tempfile.TemporaryDirectory() as folder:
        root, aside = Path(folder, 'tree'), Path(folder, 'aside')
        unpack(text, root)
        whole = look(show, root)
        files = sorted(path for path in root.rglob('*')
                       if (path.is_file() or path.is_symlink()) and path.name != 'hwa-host.txt')
        for path in files:
            name = '/' + str(path.relative_to(root))
            path.rename(aside)
            missing = list(differences(whole, look(show, root)))
            spoilt = missing
            if not aside.is_symlink():
                path.write_bytes(SPOILT)
                spoilt = list(differences(whole, look(show, root)))
                path.unlink()
            aside.rename(path)
            wrong = [line for line, number in spoilt if number and (line, number) not in missing]
            if wrong:
                sys.exit(f'{name}: what is spoilt is taken for a fact: {wrong}')
            yield name, [line for line, _ in missing]
            if spoilt != missing:
                yield name + ' (spoilt)', [line for line, _ in spoilt]


def main():
    show, machine = sys.argv[1], Path(sys.argv[2])
    got = dict(mutations(show, (machine / 'tree.txt').read_text()))
    golden = machine / 'mutate.json'
    if sys.argv[3:] == ['--update']:
        golden.write_text(json.dumps(got, indent=1) + '\n')
    expected = json.loads(golden.read_text())
    faults = [f'{name}: expected {expected.get(name)}, got {got.get(name)}'
              for name in sorted({*expected, *got}) if expected.get(name) != got.get(name)]
    print(f'{len(got)} mutations')
    sys.exit('\n'.join(faults) if faults else 0)


if __name__ == '__main__':
    main()
