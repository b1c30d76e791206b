#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Shows that every rule can fail: feeds each what it must refuse, and what it must let pass."""

import shutil
import tempfile

import includes
import project
import rules
from lint import FORMATTER
from source import Source

HEAD = '// SPDX-License-Identifier: MIT\n// A sample.\n'
LONG_BODY = 'void f() {\n' + '    g();\n' * 60 + '}\n'

# (rule, path, text, part of the complaint; None where there must be none)
SAMPLES = [
    (includes.floors, 'lib/base/a.cpp', '#include "os/file.h"\n', 'floor'),
    (includes.floors, 'lib/base/a.cpp', '#include <dlfcn.h>\n', 'floor'),
    (includes.floors, 'lib/core/a.cpp', '#include "os/host.h"\n', 'floor'),
    (includes.floors, 'lib/data/a.cpp', '#include "os/host.h"\n', 'floor'),
    (includes.floors, 'lib/data/catalog.cpp', '#include "os/host.h"\n', None),
    (includes.floors, 'lib/detect/a.cpp', '#include "launch/runtime.h"\n', 'floor'),
    (includes.floors, 'lib/launch/a.cpp', '#include "detect/probe.h"\n', 'floor'),
    (includes.floors, 'lib/launch/a.cpp', '#include "plan/plan.h"\n', 'floor'),
    (includes.floors, 'lib/detect/a.cpp', '#  include <unistd.h>\n', 'floor'),
    (includes.floors, 'lib/detect/a.cpp', '#include <sys/stat.h>\n', 'floor'),
    (includes.floors, 'lib/detect/a.cpp', '#include <fcntl.h>\n', 'floor'),
    (includes.floors, 'lib/detect/a.cpp', '#include <hwa/hwa.h>\n', 'floor'),
    (includes.floors, 'lib/plan/a.cpp', '#include "os/file.h"\n', 'floor'),
    (includes.floors, 'lib/plan/model/read_x.cpp', '#include "os/file.h"\n', None),
    (includes.floors, 'lib/plan/model/read_x.cpp', '#include "api/opencl.h"\n', 'floor'),
    (includes.floors, 'lib/launch/a.cpp', '#include <CL/cl.h>\n', 'floor'),
    (includes.floors, 'lib/capi/a.cpp', '#include <vulkan/vulkan.h>\n', 'floor'),
    (includes.floors, 'lib/api/vulkan.h', '#include <CL/cl.h>\n', 'floor'),
    (includes.floors, 'lib/api/opencl.h', '#include <CL/cl.h>\n', None),
    (includes.floors, 'lib/api/opencl.h', '#include "core/device.h"\n', 'floor'),
    (includes.floors, 'lib/plan/a.cpp', '#include <regex>\n', 'floor'),
    (includes.floors, 'lib/plan/a.cpp', '#include <iostream>\n', 'floor'),
    (includes.floors, 'lib/plan/a.cpp', '#include "local.h"\n', 'floor'),
    (includes.floors, 'lib/plan/a.cpp', '#include <core/device.h>\n', 'quotes'),
    (includes.floors, 'lib/plan/a.cpp', '// #include <regex>\n#include <vector>\n', None),
    (includes.floors, 'tools/hwa/main.cpp', '#include "base/text.h"\n', 'floor'),
    (includes.floors, 'examples/a.c', '#include <CL/cl.h>\n', 'floor'),
    (includes.floors, 'tests/capi/a.c', '#include "capi/objects.h"\n', 'floor'),
    (includes.floors, 'tests/capi/a.c', '#include <hwa/hwa.h>\n#include <unistd.h>\n', None),
    (rules.layout, 'lib/a.cpp', '//' + 'x' * 99 + '\n', '101 columns'),
    (rules.layout, 'lib/a.cpp', '//' + 'é' * 98 + '\n', None),
    (rules.layout, 'lib/a.cpp', 'int a; \n', 'blank'),
    (rules.layout, 'lib/a.cpp', '\tint a;\n', 'tab'),
    (rules.layout, 'lib/a.cpp', 'int a;', 'line end'),
    (rules.layout, 'lib/a.cpp', 'int a;\n' * 501, '501 lines'),
    (rules.layout, 'lib/a.cpp', 'int a;\n' * 500, None),
    (rules.head, 'lib/a.cpp', 'int a;\n', 'licence'),
    (rules.head, 'lib/a.cpp', '// SPDX-License-Identifier: MIT\nint a;\n', 'second line'),
    (rules.head, 'tools/x', '#!/bin/sh\necho\n', 'licence'),
    (rules.head, 'lib/a.cpp', HEAD, None),
    (rules.names, 'lib/core/utils.h', HEAD, 'vague'),
    (rules.names, 'lib/common/a.h', HEAD, 'vague'),
    (rules.names, 'lib/core/a.h', 'class DeviceManager {};\n', 'vague'),
    (rules.names, 'lib/core/a.h', 'struct ProbeBase {};\n', 'vague'),
    (rules.names, 'lib/detect/helper.cpp', 'struct Baseline {};\n', None),
    (rules.functions, 'lib/a.cpp', LONG_BODY, 'f has 62 lines'),
    (rules.functions, 'lib/a.cpp', 'namespace a {\nstruct B {\n' + LONG_BODY + '};\n}\n', '62'),
    (rules.functions, 'lib/a.cpp', 'auto C::f() const -> D<E>\n' + LONG_BODY[9:], '63'),
    (rules.functions, 'lib/a.cpp', 'C::C(int a)\n    : a_{a}, b_(f()) {\n' + LONG_BODY[11:], '63'),
    (rules.functions, 'lib/a.cpp', 'template <class T, int (*F)(int)>\n' + LONG_BODY, '62'),
    (rules.functions, 'lib/a.cpp', 'const char *a = "{{"; /* { */ char b = \'{\'; // {\n', None),
    (rules.functions, 'lib/a.cpp', 'auto a = R"x({{{)x";\n' + LONG_BODY, '62'),
    (rules.functions, 'lib/a.cpp', 'constexpr int t[] = {\n' + '    1,\n' * 80 + '};\n', None),
    (rules.functions, 'lib/a.cpp', 'bool operator<(A a, B b) {\n' + LONG_BODY[11:], '62'),
    (rules.functions, 'lib/a.cpp', 'void f(int a, int b, C<D, E> c, int, int, int) {}\n', None),
    (rules.functions, 'lib/a.cpp', 'void f(A a, A b, A c, A d, A, A, A, A) {}\n', '8 param'),
    (rules.functions, 'a.py', 'def f():\n' + '    g()\n' * 60, '61 lines'),
    (rules.calls, 'lib/launch/a.cpp', 'int f() { return fork(); }\n', 'fork'),
    (rules.calls, 'tools/hwa/a.cpp', 'void f() { std::system("ls"); }\n', 'system'),
    (rules.calls, 'lib/plan/a.cpp', 'auto f() { return popen(a, b); }\n', 'popen'),
    (rules.calls, 'lib/plan/a.cpp', 'auto f() { return getenv("A"); }\n', 'getenv'),
    (rules.calls, 'lib/os/a.cpp', 'auto f() { return getenv("A"); }\n', None),
    (rules.calls, 'lib/core/a.cpp', 'auto f() { return std::stod(a); }\n', 'locale'),
    (rules.calls, 'lib/core/a.cpp', 'auto f() { throw 1; }\n', 'throw'),
    (rules.calls, 'lib/core/a.cpp', 'auto f() { return "fork()"; } // fork()\n', None),
    (rules.calls, 'lib/core/a.cpp', 'auto f() { return options.system(); }\n', None),
    (rules.numbers, 'lib/core/a.cpp', 'auto a = format("%5.1f", b);\n', 'locale'),
    (rules.numbers, 'lib/core/a.cpp', 'auto a = format("100%% free, %d", b);\n', None),
    (rules.markers, 'lib/core/a.cpp', '// TODO: finish\n', 'undone'),
]

OPTIONAL = [
    Source('lib/api/x.def', 'HWA_OPTIONAL(xGet)\nHWA_REQUIRED(xPut)\n'),
    Source('lib/launch/bad.cpp', 'int f(A &a) {\n    return a.xGet(1);\n}\n'),
    Source('lib/launch/good.cpp', 'int f(A *a) { return a->xGet ? a->xGet(1) : a->xPut(2); }\n'),
]

HEADERS = [
    ('HWA_API void hwa_a(void);', 'hwa_a is not documented'),
    ('typedef enum hwa_a_t { HWA_A = 1 } hwa_a_t;', 'hwa_a_t is not documented'),
    ('#define HWA_B 1', 'HWA_B is not documented'),
    ('/** A sentence */\nHWA_API void hwa_a(void);', 'no sentence'),
    ('/** One. */\nHWA_API void hwa_a(int x);', 'unknown type'),
    ('/** One. */\nstatic inline int x;', 'subset'),
    ('/** One. */\nHWA_API void hwa_a(void);\n#define HWA_B 1 /**< Two. */', None),
]

READELF = [
    (project.linked, ' 0x1 (NEEDED) Shared library: [libvulkan.so.1]\n', 'libvulkan'),
    (project.linked, ' 0x1 (NEEDED) Shared library: [ld-linux-x86-64.so.2]\n', 'ld-linux'),
    (project.linked, ' 0x1 (NEEDED) Shared library: [libc.so.6]\n', 'soname'),
    (project.linked, ' 0xe (SONAME) Library soname: [libhwa.so.0]\n', None),
    (project.linked, ' (RUNPATH) [x]\n (SONAME) Library soname: [libhwa.so.0]\n', 'run path'),
    (project.constructors, ' [20] .init_array INIT_ARRAY 00c8 0b8 000010 08\n', '16 bytes'),
    (project.constructors, ' [20] .init_array INIT_ARRAY 00c8 0b8 000008 08\n', None),
]

faults = []


def expect(what, complaints, wanted):
    complaints = [str(complaint) for complaint in complaints]
    fine = not complaints if wanted is None else any(wanted in each for each in complaints)
    if not fine:
        faults.append(f'{what}: wanted {wanted!r}, got {complaints}')


def header_faults(text):
    with tempfile.NamedTemporaryFile('w', suffix='.h') as file:
        file.write(text)
        file.flush()
        try:
            return list(project.documented(project.Header(file.name)))
        except project.HeaderError as error:
            return [error]


def main():
    for rule, path, text, wanted in SAMPLES:
        expect((rule.__name__, path, text[:60]), rule(Source(path, text)), wanted)
    expect('optional', project.optional_symbols(OPTIONAL[:2]), 'xGet is optional')
    expect('optional', project.optional_symbols([OPTIONAL[0], OPTIONAL[2]]), None)
    many = [Source('lib/a.cpp', 'void f() {\n' + '    g();\n' * 20 + '}\n') for _ in range(4)]
    expect('lengths', project.lengths(many), 'median')
    if shutil.which(FORMATTER):
        crooked = [Source('lib/a.cpp', 'int  a;\n')]
        expect('format', project.formatted(crooked, FORMATTER), 'lib/a.cpp')
    for text, wanted in HEADERS:
        expect(text, header_faults(text), wanted)
    for rule, text, wanted in READELF:
        expect(text, rule(text), wanted)
    used = {sample[0].__name__ for sample in SAMPLES}
    print(f'{len(SAMPLES) + len(HEADERS) + len(READELF) + 3} samples of {sorted(used)}')
    if faults:
        raise SystemExit('\n'.join(faults))


if __name__ == '__main__':
    main()
