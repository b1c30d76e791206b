#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Memory shared with NumPy by DLPack, both ways: the same address, and its owner told when it ends.

    test_numpy.py LIBHWA.SO

The legacy form always; the versioned one too where NumPy has it, which is from 2.1 on. Skips (77)
where cffi or NumPy is not installed.
"""

import ctypes
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'bindings/python'))
try:
    import cffi
    import numpy as np
except ImportError as lack:
    print(lack)
    raise SystemExit(77) from lack

from hwa._cdef import CDEF  # noqa: E402

# As DLPack's own header has them.
DLPACK = """
typedef struct { uint32_t major, minor; } DLPackVersion;
typedef struct { int32_t device_type, device_id; } DLDevice;
typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType;
typedef struct {
    void *data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t *shape, *strides;
    uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
    DLTensor dl_tensor; void *manager_ctx; void (*deleter)(struct DLManagedTensor *);
} DLManagedTensor;
typedef struct DLManagedTensorVersioned {
    DLPackVersion version; void *manager_ctx; void (*deleter)(struct DLManagedTensorVersioned *);
    uint64_t flags; DLTensor dl_tensor;
} DLManagedTensorVersioned;
int32_t hwa_buffer_to_dlpack(const hwa_arg_t *, DLManagedTensorVersioned **, hwa_error_t *);
int32_t hwa_buffer_to_dlpack_legacy(const hwa_arg_t *, DLManagedTensor **, hwa_error_t *);
int32_t hwa_buffer_from_dlpack(hwa_queue_t *, DLManagedTensorVersioned *, hwa_buffer_t **,
                               hwa_arg_t *, hwa_error_t *);
int32_t hwa_buffer_from_dlpack_legacy(hwa_queue_t *, DLManagedTensor *, hwa_buffer_t **,
                                      hwa_arg_t *, hwa_error_t *);
"""

ffi = cffi.FFI()
ffi.cdef(CDEF)
ffi.cdef(DLPACK)
lib = ffi.dlopen(sys.argv[1])

# Capsules by Python's C API. Destructors get their capsule as a bare address: it is being deleted.
capi = ctypes.pythonapi
Destructor = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
capi.PyCapsule_New.restype = ctypes.py_object
capi.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, Destructor]
capi.PyCapsule_GetPointer.restype = ctypes.c_void_p
capi.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
capi.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
is_named = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ('PyCapsule_IsValid', capi))
pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ('PyCapsule_GetPointer', capi))


class Form:
    """One of the two forms: its names in Python and in the library."""

    def __init__(self, capsule, struct, suffix, wish):
        self.name = capsule
        self.used = b'used_' + capsule
        self.struct = struct
        self.lend = getattr(lib, 'hwa_buffer_to_dlpack' + suffix)
        self.borrow = getattr(lib, 'hwa_buffer_from_dlpack' + suffix)
        self.wish = wish  # what NumPy's __dlpack__ is asked with
        self.destructor = Destructor(self.end)

    def end(self, capsule):
        """A capsule that nobody took: its tensor goes with it."""
        if is_named(capsule, self.name):
            tensor = ffi.cast(f'{self.struct} *', pointer_of(capsule, self.name))
            tensor.deleter(tensor)


LEGACY = Form(b'dltensor', 'DLManagedTensor', '_legacy', {})
VERSIONED = Form(b'dltensor_versioned', 'DLManagedTensorVersioned', '', {'max_version': (1, 1)})


class Lent:
    """A buffer as NumPy wants to be given it."""

    def __init__(self, form, arg):
        self.form, self.arg = form, arg

    def __dlpack__(self, **_):
        out = ffi.new(f'{self.form.struct} **')
        check(self.form.lend(self.arg, out, error))
        return capi.PyCapsule_New(int(ffi.cast('uintptr_t', out[0])), self.form.name,
                                  self.form.destructor)

    def __dlpack_device__(self):
        return 1, 0


error = ffi.new('hwa_error_t *')


def check(status):
    if status != lib.HWA_OK:
        raise SystemExit(f'status {status}: {ffi.string(error.message).decode()}')


def address(array):
    return array.__array_interface__['data'][0]


def open_cpu():
    options = ffi.new('hwa_detect_options_t *')
    options.struct_size = ffi.sizeof('hwa_detect_options_t')
    options.flags = lib.HWA_DETECT_NO_DRIVERS
    system, queue = ffi.new('hwa_system_t **'), ffi.new('hwa_queue_t **')
    check(lib.hwa_detect(options, system, error))
    device = lib.hwa_system_find_device(system[0], b'cpu-0')
    check(lib.hwa_queue_open(device, ffi.NULL, queue, error))
    lib.hwa_system_free(system[0])
    return queue[0]


def borrow(queue, form, array):
    """The status, the buffer and the view; a capsule that was taken is renamed, as Python wants."""
    capsule = array.__dlpack__(**form.wish)
    tensor = ffi.cast(f'{form.struct} *', capi.PyCapsule_GetPointer(capsule, form.name))
    buffer, view = ffi.new('hwa_buffer_t **'), ffi.new('hwa_arg_t *')
    status = form.borrow(queue, tensor, buffer, view, error)
    if status == lib.HWA_OK:
        capi.PyCapsule_SetName(capsule, form.used)
    return status, buffer[0], view


def numpy_lends(queue, form):
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    alone = sys.getrefcount(base)
    for array in (base, base[1:, 2:], base.T, base[::2, ::3], base[::-1], base[:, ::-2],
                  base[3, 5:], base.reshape(2, 3, 4)):
        before = sys.getrefcount(array)
        status, buffer, view = borrow(queue, form, array)
        check(status)
        assert sys.getrefcount(array) == before + 1, 'the array is not held'
        assert lib.hwa_buffer_native(buffer) + view.offset == address(array), 'a copy was made'
        assert tuple(view.shape[0:view.rank]) == array.shape
        if view.strides == ffi.NULL:
            assert array.flags.c_contiguous
        else:
            steps = tuple(step * 4 for step in view.strides[0:view.rank])
            assert all(n == 1 or a == b for n, a, b in zip(array.shape, steps, array.strides))
        first = array.flat[0]
        value = ffi.new('float *', -1)
        check(lib.hwa_buffer_write(buffer, view.offset, value, 4, ffi.NULL, error))
        assert array.flat[0] == -1, 'what was written is not seen'
        array.flat[0] = first
        lib.hwa_buffer_free(buffer)
        assert sys.getrefcount(array) == before, 'the array is held for ever'
    del array
    assert sys.getrefcount(base) == alone


def numpy_lends_formats(queue, form):
    for name in ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'c8', '?'):
        array = np.ones(5, dtype=name)
        try:
            status, buffer, view = borrow(queue, form, array)
        except BufferError:  # NumPy before 1.25 has no truth values there
            assert name == '?'
            continue
        check(status)
        again = np.from_dlpack(Lent(form, view))
        assert again.dtype == array.dtype and address(again) == address(array)
        lib.hwa_buffer_free(buffer)


def refused_stays_with_numpy(queue, form):
    array = np.ones(3, dtype=np.complex128)
    alone = sys.getrefcount(array)
    status, buffer, _ = borrow(queue, form, array)
    assert status == lib.HWA_ERROR_UNSUPPORTED and buffer == ffi.NULL
    assert sys.getrefcount(array) == alone, 'the capsule did not let go'


def numpy_borrows(queue, form):
    ended = []
    release = ffi.callback('void(void *)', lambda user: ended.append(user))
    memory = ffi.new('float[24]', list(range(24)))
    desc = ffi.new('hwa_buffer_desc_t *')
    desc.struct_size = ffi.sizeof('hwa_buffer_desc_t')
    desc.size_bytes, desc.host, desc.release = ffi.sizeof(memory), memory, release
    buffer = ffi.new('hwa_buffer_t **')
    check(lib.hwa_buffer_create(queue, desc, buffer, error))
    shape, strides = ffi.new('int64_t[]', [3, 2]), ffi.new('int64_t[]', [6, -2])
    arg = ffi.new('hwa_arg_t *', {'buffer': buffer[0], 'offset': 16, 'shape': shape,
                                  'strides': strides, 'rank': 2, 'dtype': lib.HWA_DTYPE_F32})
    array = np.from_dlpack(Lent(form, arg))
    assert address(array) == int(ffi.cast('uintptr_t', memory)) + 16, 'a copy was made'
    assert array.tolist() == [[4, 2], [10, 8], [16, 14]]
    value = ffi.new('float *', 99)
    check(lib.hwa_buffer_write(buffer[0], 8, value, 4, ffi.NULL, error))
    assert array[0, 1] == 99, 'what was written is not seen'

    lib.hwa_buffer_free(buffer[0])
    view = array[1:]
    del array
    assert not ended and view.tolist() == [[10, 8], [16, 14]], 'memory ended before its last user'
    del view
    assert len(ended) == 1, 'the owner of the memory was not told'


def a_capsule_nobody_takes(queue, form):
    ended = []
    release = ffi.callback('void(void *)', lambda user: ended.append(user))
    memory = ffi.new('char[64]')
    desc = ffi.new('hwa_buffer_desc_t *')
    desc.struct_size = ffi.sizeof('hwa_buffer_desc_t')
    desc.size_bytes, desc.host, desc.release = 64, memory, release
    buffer = ffi.new('hwa_buffer_t **')
    check(lib.hwa_buffer_create(queue, desc, buffer, error))
    arg = ffi.new('hwa_arg_t *', {'buffer': buffer[0], 'dtype': lib.HWA_DTYPE_U8})
    capsule = Lent(form, arg).__dlpack__()
    lib.hwa_buffer_free(buffer[0])
    assert not ended
    del capsule
    assert len(ended) == 1


def main():
    queue = open_cpu()
    newer = tuple(map(int, np.__version__.split('.')[:2])) >= (2, 1)
    for form in (LEGACY, VERSIONED) if newer else (LEGACY,):
        for test in (numpy_lends, numpy_lends_formats, refused_stays_with_numpy, numpy_borrows,
                     a_capsule_nobody_takes):
            test(queue, form)
            print(f'{test.__name__}, {form.struct}, NumPy {np.__version__}: as it should be')
    lib.hwa_queue_free(queue)


if __name__ == '__main__':
    main()
