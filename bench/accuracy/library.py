# SPDX-License-Identifier: MIT
"""Plans through the public functions of libhwa, as Python values."""

import json
import sys
import tempfile
from pathlib import Path

try:
    import cffi
except ImportError:
    print('cffi is not installed')
    raise SystemExit(77)

sys.path.insert(0, str(Path(__file__).parents[2] / 'bindings' / 'python'))
from hwa._cdef import CDEF  # noqa: E402

USES = ('weights', 'gradients', 'optimizer', 'cache', 'activations', 'workspace', 'adapters',
        'offload', 'total')


class Refused(Exception):
    """A status that is not HWA_OK, and the sentence that came with it."""


class Library:
    def __init__(self, path):
        self.path = Path(path).resolve()
        self.ffi = cffi.FFI()
        self.ffi.cdef(CDEF)
        self.lib = self.ffi.dlopen(path)
        self._models = {}
        self._systems = {}
        self._all = {}  # devices of a system

    def program(self, name):
        """A program of bench/ that was built with the library."""
        return self.path.parents[1] / 'bench' / name

    def text(self, pointer):
        return self.ffi.string(pointer).decode() if pointer else None

    def _struct(self, kind, **values):
        filled = self.ffi.new(f'{kind} *', values)
        filled.struct_size = self.ffi.sizeof(kind)
        return filled

    def _made(self, function, kind, *arguments):
        out, error = self.ffi.new(f'{kind} **'), self.ffi.new('hwa_error_t *')
        if function(*arguments, out, error) != self.lib.HWA_OK:
            raise Refused(self.text(error.message))
        noun = kind.removeprefix('hwa_').removesuffix('_t')
        return self.ffi.gc(out[0], getattr(self.lib, f'hwa_{noun}_free'))

    def _info(self, function, kind, *arguments):
        filled = self._struct(kind)
        if function(*arguments, filled) != self.lib.HWA_OK:
            raise Refused(kind)
        return filled

    def model(self, config):
        """The model of a config.json, given as a dictionary; opened once."""
        key = json.dumps(config, sort_keys=True)
        if key not in self._models:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / 'config.json'
                path.write_text(key)
                self._models[key] = self._made(self.lib.hwa_model_from_file, 'hwa_model_t',
                                               str(path).encode())
        return self._models[key]

    def model_of_numbers(self, name=None, **numbers):
        """The model of a few numbers: parameters, layers, hidden_size …"""
        kept = self.ffi.new('char[]', name.encode()) if name else self.ffi.NULL
        return self._made(self.lib.hwa_model_from_desc, 'hwa_model_t',
                          self._struct('hwa_model_desc_t', name=kept, **numbers))

    def known(self, name):
        """The model of that name in the library's own catalogue, or None."""
        try:
            return self._made(self.lib.hwa_model_from_catalog, 'hwa_model_t', self.ffi.NULL,
                              name.encode())
        except Refused:
            return None

    def known_names(self):
        index = 0
        while name := self.text(self.lib.hwa_catalog_model(self.ffi.NULL, index)):
            yield name
            index += 1

    def machine_names(self):
        index = 0
        while name := self.text(self.lib.hwa_catalog_machine(self.ffi.NULL, index)):
            yield name
            index += 1

    def machine(self, name):
        """The system of that name in the library's own catalogue."""
        return self._made(self.lib.hwa_system_from_catalog, 'hwa_system_t', self.ffi.NULL,
                          name.encode())

    def describe(self, model):
        return self._info(self.lib.hwa_model_desc, 'hwa_model_desc_t', model)

    def weights(self, model, **workload):
        """Bytes of a model's weights."""
        if 'recipe' in workload:
            workload['recipe'] = self.ffi.new('char[]', workload['recipe'].encode())
        made = self.ffi.new('hwa_footprint_t *')
        if self.lib.hwa_model_footprint(model, self._struct('hwa_workload_t', **workload),
                                        made) != self.lib.HWA_OK:
            raise Refused(f'no footprint in {workload}')
        return made.weights

    def system(self, document):
        """The system of a document, given as a dictionary; opened once."""
        key = json.dumps(document, sort_keys=True)
        if key not in self._systems:
            self._systems[key] = self._made(self.lib.hwa_system_from_json, 'hwa_system_t',
                                            key.encode())
        return self._systems[key]

    def cluster(self, document, count):
        """So many machines of a document as one system; opened once."""
        key = (count, json.dumps(document, sort_keys=True))
        if key not in self._systems:
            machines = [self.system(document)] * count
            self._systems[key] = self._made(self.lib.hwa_system_join, 'hwa_system_t', machines,
                                            count)
        return self._systems[key]

    def dtype(self, name):
        found = self.lib.hwa_dtype_from_name(name.encode())
        if not found:
            raise KeyError(name)
        return found

    def plan(self, system, model, pins, devices=None, **workload):
        """The plan as its JSON says it, with `stages` as lists of bytes by use.

        `pins` is a dictionary; `devices` are ids, in the order to use them, or all of the system.
        """
        options, _ = self.options(system, pins, devices, **workload)
        plan = self._made(self.lib.hwa_plan, 'hwa_plan_t', system, model, options)
        return json.loads(self.text(self.lib.hwa_plan_json(plan)))

    def options(self, system, pins, devices=None, **workload):
        """The options of a plan, and what they point to."""
        kept = [self.ffi.new('char[]', value.encode()) for value in pins.values()
                if isinstance(value, str)]
        texts = iter(kept)
        names = [self.ffi.new('char[]', key.encode()) for key in pins]
        attrs = self.ffi.new('hwa_attr_t[]', len(pins))
        for attr, name, value in zip(attrs, names, pins.values()):
            attr.key = name
            if isinstance(value, str):
                attr.type, attr.s = self.lib.HWA_ATTR_TEXT, next(texts)
            elif isinstance(value, float):
                attr.type, attr.r = self.lib.HWA_ATTR_REAL, value
            else:
                attr.type, attr.i = self.lib.HWA_ATTR_INT, int(value)
        if 'recipe' in workload:
            workload['recipe'] = self.ffi.new('char[]', workload['recipe'].encode())
        for key in ('weight_dtype', 'cache_dtype'):
            if isinstance(workload.get(key), str):
                workload[key] = self.dtype(workload[key])
        work = self._struct('hwa_workload_t', **workload)
        found = self._devices(system, devices)
        options = self._struct('hwa_plan_options_t', workload=work,
                               pins=attrs if pins else self.ffi.NULL,
                               pin_count=len(pins), devices=found, device_count=len(found))
        return options, (kept, names, attrs, work, found, workload)

    def _devices(self, system, ids):
        if ids is not None:
            pointers = [self.lib.hwa_system_find_device(system, name.encode()) for name in ids]
            return self.ffi.new('hwa_device_t *[]', pointers)
        if system not in self._all:
            count = self._info(self.lib.hwa_system_info, 'hwa_system_info_t', system).device_count
            pointers = [self.lib.hwa_system_device(system, index) for index in range(count)]
            self._all[system] = self.ffi.new('hwa_device_t *[]', pointers)
        return self._all[system]
