#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Derives what is mechanical in the bindings from include/hwa/hwa.h.

    generate.py           writes bindings/api.json and bindings/python/hwa/_cdef.py
    generate.py --check   fails, with a diff, if a committed file is not what would be written
"""

import difflib
import json
import re
import sys
from pathlib import Path

from header import Header

BINDINGS = Path(__file__).resolve().parent
HEADER = BINDINGS.parent / 'include/hwa/hwa.h'


def counts_of(variables):
    """For each pointer that has a count beside it, the name of that count."""
    names = {variable.name for variable in variables}
    found = {}
    for variable in variables:
        if not variable.type.pointers or variable.name.endswith('user'):
            continue
        name = variable.name
        for count in (f'{name.removesuffix("s")}_count', f'{name}_bytes', 'size_bytes'):
            if count in names and (count != 'size_bytes' or variable.type.base == 'void'):
                found[name] = count
                break
    return found


def ownership(variable, header):
    """What becomes of a pointer parameter, by its name and its const; None for a value."""
    handles = {handle.name for handle in header.handles}
    pointers = variable.type.pointers
    if not pointers:
        callbacks = {callback.name for callback in header.callbacks}
        return 'callback' if variable.type.base in callbacks else None
    if variable.name.startswith('out_'):
        return 'owned'  # the caller gets an object and frees it
    if variable.type.const:
        return 'in'
    if variable.name.endswith('user'):
        return 'user'  # handed back to callbacks, never looked at
    return 'object' if variable.type.base in handles else 'filled'


def param(variable, header, counts):
    entry = {'name': variable.name, 'type': str(variable.type)}
    kind = ownership(variable, header)
    if kind:
        entry['passed'] = kind
    if variable.name in counts:
        entry['count'] = counts[variable.name]
    return entry


def function(item, header):
    counts = counts_of(item.params)
    entry = {'name': item.name, 'doc': item.doc, 'returns': str(item.returns)}
    if item.returns.pointers:
        entry['returned'] = 'borrowed'  # const or not, it stays the library's
    if item.name.endswith('_free'):
        entry['frees'] = item.params[0].type.base
    entry['fallible'] = item.returns.base == 'hwa_status_t' and not item.returns.pointers
    entry['params'] = [param(variable, header, counts) for variable in item.params]
    kept = re.findall(r'`(\w+)` is borrowed', item.doc)  # beyond the call
    for parameter in entry['params']:
        if parameter['name'] in kept:
            parameter['borrowed'] = True
    return entry


def struct(item):
    counts = counts_of(item.fields)
    fields = []
    for variable in item.fields:
        entry = {'name': variable.name, 'type': str(variable.type), 'doc': variable.doc}
        if variable.array:
            entry['array'] = variable.array
        if variable.name in counts:
            entry['count'] = counts[variable.name]
        if re.search(r'\bborrowed\b', variable.doc or ''):
            entry['borrowed'] = True
        fields.append(entry)
    return {'name': item.name, 'doc': item.doc, 'grows': item.grows, 'fields': fields}


def destructors(header):
    """The function that frees each handle; borrowed handles have none."""
    return {item.params[0].type.base: item.name for item in header.functions
            if item.name.endswith('_free')}


def api(header):
    freed_by = destructors(header)
    for item in header.functions:
        for variable in item.params:
            if variable.name.startswith('out_') and variable.type.base not in freed_by:
                raise SystemExit(f'{item.name}: nothing frees {variable.type.base}')
    document = {
        'version': header.version,
        'constants': [{'name': macro.name, 'value': macro.value, 'doc': macro.doc}
                      for macro in header.macros if macro.name in constants(header)],
        'handles': [{'name': item.name, 'doc': item.doc, 'freed_by': freed_by.get(item.name)}
                    for item in header.handles],
        'enums': [{'name': item.name, 'doc': item.doc, 'flags': item.name.endswith('_flag_t'),
                   'values': [{'name': name, 'value': value, 'doc': doc}
                              for name, value, doc in item.values]} for item in header.enums],
        'structs': [struct(item) for item in header.structs],
        'callbacks': [function(item, header) for item in header.callbacks],
        'functions': [function(item, header) for item in header.functions],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + '\n'


def declaration(item, header):
    """One declaration as cffi reads it. Enums are open integers: newer values may come."""
    if item in header.handles:
        return f'typedef struct {item.name} {item.name};'
    if item in header.enums:
        lines = [f'typedef int32_t {item.name};']
        lines += [f'#define {name} {value}' for name, value, _ in item.values]
        return '\n'.join(lines)
    if item in header.structs:
        fields = [f'    {field.type.declare(field.name)}' +
                  (f'[{field.array}];' if field.array else ';') for field in item.fields]
        return '\n'.join(['typedef struct {', *fields, f'}} {item.name};'])
    params = ', '.join(variable.type.declare(variable.name) for variable in item.params) or 'void'
    if item.callback:
        return f'typedef {item.returns} (*{item.name})({params});'
    return f'{item.returns.declare(item.name)}({params});'


def constants(header):
    """Macros that are whole numbers, by their value."""
    values = {macro.name: macro.value.replace('UINT64_MAX', str(2**64 - 1))
              for macro in header.macros}
    return {name: value for name, value in values.items() if value.isdigit()}


def cdef(header):
    lines = [f'#define {name} {value}' for name, value in constants(header).items()]
    lines += [declaration(item, header) for item in header.order]
    declarations = '\n'.join(lines)
    return (f'# SPDX-License-Identifier: MIT\n'
            f'"""Generated by bindings/generate.py from include/hwa/hwa.h: do not edit."""\n\n'
            f"VERSION = '{header.version}'\n\n"
            f"CDEF = '''\n{declarations}\n'''\n")


def main():
    header = Header(HEADER)
    wanted = {BINDINGS / 'api.json': api(header), BINDINGS / 'python/hwa/_cdef.py': cdef(header)}
    stale = False
    for path, text in wanted.items():
        if '--check' not in sys.argv[1:]:
            path.write_text(text, encoding='utf-8')
            continue
        there = path.read_text(encoding='utf-8') if path.exists() else ''
        if there != text:
            stale = True
            sys.stdout.writelines(difflib.unified_diff(
                there.splitlines(True), text.splitlines(True), str(path), 'generated'))
    if stale:
        raise SystemExit('run bindings/generate.py and commit what it writes')


if __name__ == '__main__':
    main()
