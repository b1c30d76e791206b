#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A caller from another language: detects, plans and runs a gemm through the generated cdef.

    smoke.py LIBHWA.SO [MAKE-MODEL]

Uses cffi in ABI mode, so no compiler is needed. Skips (77) where cffi is not installed.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import cffi
except ImportError:
    print('cffi is not installed')
    raise SystemExit(77)

from hwa._cdef import CDEF, VERSION

SIZE = 64  # of the matrices
RATE = 100_000_000_000  # bytes per second of memory to plan with
ffi = cffi.FFI()
ffi.cdef(CDEF)
lib = ffi.dlopen(sys.argv[1])


class Failure(Exception):
    """A status that is not HWA_OK, and the sentence that came with it."""

    def __init__(self, status, message):
        super().__init__(f'{text(lib.hwa_status_name(status))}: {message}')
        self.status = status


def text(pointer):
    return ffi.string(pointer).decode() if pointer else None


def struct(kind, /, **values):
    """A struct that grows, all zero but its size and what is given."""
    filled = ffi.new(f'{kind} *', values)
    filled.struct_size = ffi.sizeof(kind)
    return filled


def made(function, kind, *arguments):
    """Calls a function whose last parameters are out_ and error; the object frees itself."""
    out, error = ffi.new(f'{kind} **'), ffi.new('hwa_error_t *')
    status = function(*arguments, out, error)
    if status != lib.HWA_OK:
        assert out[0] == ffi.NULL and error.status == status
        raise Failure(status, text(error.message))
    noun = kind.removeprefix('hwa_').removesuffix('_t')
    return ffi.gc(out[0], getattr(lib, f'hwa_{noun}_free'))


def done(function, *arguments):
    """Calls a function whose last parameter is error."""
    error = ffi.new('hwa_error_t *')
    status = function(*arguments, error)
    if status != lib.HWA_OK:
        raise Failure(status, text(error.message))


def info(function, kind, *arguments):
    filled = struct(kind)
    status = function(*arguments, filled)
    if status != lib.HWA_OK:
        raise Failure(status, kind)
    return filled


def fails(status, call, *arguments):
    """The failure that a call must end in."""
    try:
        call(*arguments)
    except Failure as failure:
        assert failure.status == status, failure
        return failure
    raise AssertionError(f'{call} should have failed')


def detect(flags=0):
    return made(lib.hwa_detect, 'hwa_system_t', struct('hwa_detect_options_t', flags=flags))


def devices(system):
    count = info(lib.hwa_system_info, 'hwa_system_info_t', system).device_count
    return [lib.hwa_system_device(system, index) for index in range(count)]


def check_version():
    number = lib.hwa_version()
    assert VERSION == f'{number >> 16}.{number >> 8 & 255}.{number & 255}', hex(number)


def check_detect():
    for flags in (lib.HWA_DETECT_NO_DRIVERS, 0):
        system = detect(flags)
        document = json.loads(text(lib.hwa_system_json(system)))
        ids = []
        for device in devices(system):
            facts = info(lib.hwa_device_info, 'hwa_device_info_t', device)
            ids.append(text(facts.id))
            print(f'{text(facts.id):<16} {text(lib.hwa_kind_name(facts.kind)):<8} '
                  f'{text(facts.name)}, {facts.memory_bytes >> 20} MiB')
        assert ids == [device['id'] for device in document['devices']], ids
        assert lib.hwa_system_device(system, len(ids)) == ffi.NULL
        assert 'cpu-0' in ids
        again = made(lib.hwa_system_from_json, 'hwa_system_t', lib.hwa_system_json(system))
        assert len(devices(again)) == len(ids)


def check_plan(make_model):
    system = detect(lib.HWA_DETECT_NO_DRIVERS)
    name = ffi.new('char[]', b'eight billion')
    models = [made(lib.hwa_model_from_desc, 'hwa_model_t', struct(
        'hwa_model_desc_t', parameters=8_030_261_312, dtype=lib.HWA_DTYPE_BF16, name=name))]
    with tempfile.TemporaryDirectory() as folder:
        if make_model:
            path = Path(folder) / 'model.gguf'
            subprocess.run([make_model, path], check=True, stdout=subprocess.DEVNULL)
            models.append(made(lib.hwa_model_from_file, 'hwa_model_t', str(path).encode()))
    # Room for any model, whatever the machine that runs the test has.
    large = made(lib.hwa_system_from_json, 'hwa_system_t', json.dumps(roomy(system)).encode())
    for model in models:
        facts = info(lib.hwa_model_desc, 'hwa_model_desc_t', model)
        assert 8.0e9 < facts.parameters < 8.1e9 and facts.layers == 32, facts.layers
        plan = made(lib.hwa_plan, 'hwa_plan_t', large, model, ffi.NULL)
        found = info(lib.hwa_plan_info, 'hwa_plan_info_t', plan)
        stages = [info(lib.hwa_plan_stage, 'hwa_stage_t', plan, index)
                  for index in range(found.stage_count)]
        assert sum(stage.layer_count for stage in stages) == facts.layers
        assert sum(stage.footprint.total for stage in stages) == found.footprint.total
        # Every weight is read for every token.
        assert 0 < found.tokens_per_second <= RATE / found.footprint.weights
        print(f'{text(facts.name)}: {text(lib.hwa_dtype_name(found.weight_dtype))}, '
              f'{found.footprint.total >> 20} MiB, {found.tokens_per_second:.1f} tokens/s')


def roomy(system):
    """This system's JSON with 256 GiB of memory at 100 GB/s in every device."""
    document = json.loads(text(lib.hwa_system_json(system)))
    for device in document['devices']:
        for memory in device.get('memories', [])[:1]:
            memory.update(size_bytes=1 << 38, usable_bytes=1 << 38, bytes_per_second=RATE)
    return document


def check_gemm():
    """C = A B in f32 on the CPU, against the same sums in Python's doubles."""
    system = detect(lib.HWA_DETECT_NO_DRIVERS)  # its devices live as long as it does
    device = lib.hwa_system_find_device(system, b'cpu-0')
    runtime = ffi.new('char[]', b'cpu')
    queue = made(lib.hwa_queue_open, 'hwa_queue_t', device,
                 struct('hwa_queue_options_t', runtime=runtime))
    keys = [ffi.new('char[]', key) for key in (b'm', b'n', b'k')]
    attrs = ffi.new('hwa_attr_t[]', [{'key': key, 'type': lib.HWA_ATTR_INT, 'i': SIZE}
                                     for key in keys])
    program = made(lib.hwa_program_from_op, 'hwa_program_t', queue, b'gemm', attrs, len(keys))
    print('gemm by', text(info(lib.hwa_program_info, 'hwa_program_info_t', program).provider))

    generator = random.Random(1)
    a, b = ([generator.uniform(-1, 1) for _ in range(SIZE * SIZE)] for _ in range(2))
    size_bytes = 4 * SIZE * SIZE
    buffers = [made(lib.hwa_buffer_create, 'hwa_buffer_t', queue,
                    struct('hwa_buffer_desc_t', size_bytes=size_bytes)) for _ in range(3)]
    for buffer, values in zip(buffers, (a, b)):
        data = ffi.new('float[]', values)
        done(lib.hwa_buffer_write, buffer, 0, data, size_bytes, ffi.NULL)
    arguments = ffi.new('hwa_arg_t[]', [{'buffer': buffer} for buffer in buffers])
    event = made(lib.hwa_launch, 'hwa_event_t', queue, program, arguments, 3, ffi.NULL)
    done(lib.hwa_event_wait, event, lib.HWA_FOREVER)
    result = ffi.new('float[]', SIZE * SIZE)
    done(lib.hwa_buffer_read, buffers[2], 0, result, size_bytes, ffi.NULL)

    worst = max(abs(result[i * SIZE + j] - sum(a[i * SIZE + k] * b[k * SIZE + j]
                                               for k in range(SIZE)))
                for i in range(SIZE) for j in range(SIZE))
    print(f'gemm {SIZE}: worst error {worst:.2g}')
    assert 0 < worst < 1e-4, worst


def check_errors():
    failure = fails(lib.HWA_ERROR_PARSE, made, lib.hwa_system_from_json, 'hwa_system_t', b'{"a": }')
    assert 'byte 6' in str(failure), failure
    fails(lib.HWA_ERROR_INVALID, made, lib.hwa_system_from_json, 'hwa_system_t', ffi.NULL)
    fails(lib.HWA_ERROR_INVALID, made, lib.hwa_detect, 'hwa_system_t',
          ffi.new('hwa_detect_options_t *'))
    fails(lib.HWA_ERROR_NOT_FOUND, made, lib.hwa_model_from_file, 'hwa_model_t', b'/no/such/file')
    system = detect(lib.HWA_DETECT_NO_DRIVERS)
    status = lib.hwa_device_attr_at(devices(system)[0], 1 << 30, ffi.new('hwa_attr_t *'))
    assert status == lib.HWA_ERROR_RANGE, status


def check_unknown():
    """Enumerators of a later version are answered, not refused by the binding."""
    assert text(lib.hwa_status_name(9999)) == 'unknown status'
    assert text(lib.hwa_dtype_name(9999)) == 'unknown'
    assert text(lib.hwa_kind_name(-1)) == 'unknown'
    assert lib.hwa_dtype_bits(9999) == 0
    assert lib.hwa_dtype_from_name(b'no such format') == lib.HWA_DTYPE_UNKNOWN


def main():
    check_version()
    check_unknown()
    check_detect()
    check_errors()
    check_plan(sys.argv[2] if len(sys.argv) > 2 else None)
    check_gemm()


if __name__ == '__main__':
    main()
