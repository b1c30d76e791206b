# SPDX-License-Identifier: MIT
"""The floors: which folder may include what. One table, and the few exceptions to it."""

from pathlib import PurePosixPath

# Folder -> (folders or files of lib/ it may include, classes of <headers> it may include). The
# longest folder that a file lies in decides.
FLOORS = {
    'lib/base': (['base'], ['language']),
    'lib/os': (['base', 'os'], ['language', 'system']),
    'lib/core': (['base', 'core'], ['language']),
    'lib/data': (['base', 'core', 'data'], ['language']),
    'lib/api': (['base', 'os/library.h', 'api'], ['language', 'vendor']),
    'lib/detect': (['base', 'os', 'core', 'data', 'api', 'detect'], ['language']),
    'lib/launch': (['base', 'os', 'core', 'data', 'api', 'launch'], ['language']),
    'lib/monitor': (['base', 'os', 'core', 'api', 'monitor', 'detect/frames.h', 'detect/helper.h',
                     'detect/sysman.h'],
                    ['language']),
    'lib/plan': (['base', 'core', 'data', 'plan'], ['language']),
    'lib/capi': (['base', 'os', 'core', 'data', 'api', 'detect', 'launch', 'monitor', 'plan',
                  'capi'],
                 ['language', 'public']),
    'lib/helper': (['base', 'os', 'core', 'data', 'api', 'detect', 'monitor'], ['language']),
    'tools': ([], ['language', 'system', 'public', 'command']),
    'examples': ([], ['language', 'system', 'public']),
    'tests/capi': ([], ['language', 'system', 'public', 'test']),
    'tests/conformance': ([], ['language', 'system', 'public', 'test']),
}

# (file, what it may include besides).
EXCEPTIONS = {
    ('lib/base/json_reader.cpp', '<cjson/cJSON.h>'),
    ('lib/base/text.cpp', '<cstdio>'),
    ('lib/base/log.cpp', '<cstdio>'),
    ('lib/data/catalog.cpp', '"os/host.h"'),
    ('lib/data/machines.cpp', '"machines.inc"'),
    ('lib/data/models.cpp', '"models.inc"'),
    ('lib/data/families.cpp', '"families.inc"'),
    ('lib/data/specs.cpp', '"specs.inc"'),
    ('lib/plan/time/pace_table.cpp', '"paces.inc"'),
}
# Readers of model files may look at files.
READERS = {'"os/file.h"', '"os/host.h"'}

# C++ headers that are I/O, depend on the locale, or that GCC 12 lacks.
BANNED = {'iostream', 'fstream', 'istream', 'ostream', 'sstream', 'iomanip', 'locale', 'codecvt',
          'regex', 'format', 'filesystem', 'cstdio', 'csignal', 'clocale', 'ctime', 'cctype'}
# C headers without I/O.
PURE_C = {'stddef.h', 'stdint.h', 'string.h', 'limits.h', 'math.h', 'float.h', 'errno.h'}
VENDOR = {'CL/': 'opencl', 'vulkan/': 'vulkan', 'ffnvcodec/': 'cuda', 'level_zero/': 'level_zero',
          'hip/': 'hip', 'cblas.h': 'blas', 'dnnl.h': 'onednn'}


def floor_of(path):
    for folder in map(str, PurePosixPath(path).parents):
        if folder in FLOORS:
            return FLOORS[folder]
    return None


def class_of(header):
    """Which class a <header> belongs to."""
    if header in ('hwa/hwa.h', 'hwa/dlpack.h'):
        return 'public'
    if header.startswith('CLI/'):
        return 'command'
    if header.startswith('cmocka'):
        return 'test'
    if any(header.startswith(vendor) for vendor in VENDOR):
        return 'vendor'
    if header in PURE_C or ('.' not in header and '/' not in header and header not in BANNED):
        return 'language'
    return 'system'


def allowed(path, header, folders, classes):
    if (path, header) in EXCEPTIONS:
        return True
    name = header[1:-1]
    if header[0] == '<':
        kind = class_of(name)
        if kind == 'vendor' and kind in classes:
            owner = next(VENDOR[vendor] for vendor in VENDOR if name.startswith(vendor))
            return PurePosixPath(path).stem.startswith(owner)
        return kind in classes
    if path.startswith('lib/plan/model/read_') and header in READERS:
        return True
    if '/' not in name:  # of its own folder, or what the build wrote
        return name == 'config.h' or not path.startswith('lib/')
    return name in folders or name.split('/')[0] in folders


def floors(source):
    floor = floor_of(source.path)
    if floor is None or not source.is_c_like:
        return
    for line, header in source.includes:
        if header.startswith('<') and header[1:-1].split('/')[0] in (
                'base', 'os', 'core', 'data', 'api', 'detect', 'launch', 'plan', 'capi'):
            yield line, f'{header}: headers of the library go in quotes'
        elif not allowed(source.path, header, *floor):
            yield line, f'{header} is not on the floor of this folder'
