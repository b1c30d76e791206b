# SPDX-License-Identifier: MIT
"""What a captured machine's own files say beside its processors: memory, maker, caches, nodes."""

import re

LETTERS = {'Data': 'd', 'Instruction': 'i', 'Unified': ''}


def text(path):
    return path.read_text(errors='replace').strip('\0\n ') if path.is_file() else ''


def caches(root):
    """Of each kind ("L1d") the sizes in bytes and how many of them there are."""
    sizes, owners = {}, {}
    for index in root.glob('sys/devices/system/cpu/cpu[0-9]*/cache/index*'):
        kind, size = LETTERS.get(text(index / 'type')), re.match(r'(\d+)K$', text(index / 'size'))
        if kind is None or not size or not any(character in text(index / 'shared_cpu_map')
                                               for character in '123456789abcdef'):
            continue
        name = f'L{text(index / "level")}{kind}'
        sizes.setdefault(name, set()).add(int(size[1]) * 1024)
        owners.setdefault(name, set()).add(text(index / 'shared_cpu_map'))
    return {name: (sizes[name], len(owners[name])) for name in sizes}


def told_caches(system):
    sizes, counts = {}, {}
    for device in system['devices']:
        if device['kind'] != 'cpu':
            continue
        for memory in device['memories']:
            if memory['role'] == 'cache':
                sizes.setdefault(memory['name'], set()).add(memory['size_bytes'])
        for key, attr in device['attrs'].items():
            if found := re.match(r'cache\.(\w+)\.count$', key):
                counts[found[1]] = counts.get(found[1], 0) + attr['value']
    return sizes, counts


def faults(system, root):
    """Sentences on what is told in another way than the files have it."""
    total = re.search(r'MemTotal:\s+(\d+) kB', text(root / 'proc/meminfo'))
    wanted = {'memory_bytes': int(total[1]) * 1024}
    nodes = len(list(root.glob('sys/devices/system/node/node[0-9]*')))
    wanted['numa_count'] = nodes or None
    for key, right in wanted.items():
        if system[key] != right:
            yield f'{key} is {system[key]}, not {right}'
    for key, name in (('machine.vendor', 'sys_vendor'), ('machine.product', 'product_name')):
        right = text(root / 'sys/class/dmi/id' / name) or None
        told = system['attrs'].get(key, {}).get('value')
        if told != right:
            yield f'{key} is {told}, not {right}'
    sizes, counts = told_caches(system)
    found = caches(root)
    # Only one processor is looked at, and who shares a cache is taken from a list.
    alike = all(len(right) == 1 for right, _ in found.values())
    listed = any(root.glob('sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list'))
    if set(found) != set(sizes):
        yield f'caches are {sorted(sizes)}, not {sorted(found)}'
    for name, (right, count) in found.items():
        if not sizes.get(name, set()) <= right:
            yield f'{name} has {sizes[name]} bytes, not {right}'
        count = count if alike and listed else None
        if counts.get(name) != count:
            yield f'of {name} there are {counts.get(name)}, not {count}'
