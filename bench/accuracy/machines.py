# SPDX-License-Identifier: MIT
"""Systems made of rows of data sheets, as documents by docs/schema/system.json."""

RATES = {'fp64': 'f64', 'fp32': 'f32', 'tf32': 'tf32', 'fp16': 'f16', 'bf16': 'bf16',
         'fp8': 'f8_e4m3', 'int8_tops': 'i8', 'fp4': 'f4_e2m1', 'int4_tops': 'i4'}
KINDS = {'soc': 'gpu', 'igpu': 'gpu', 'accelerator': 'asic'}


def memory_kind(name):
    if 'HBM' in name:
        return 'hbm'
    return 'ddr' if 'LPDDR' in name or name.startswith(('DDR', 'system')) else 'gddr'


def device(index, sheet, memory_bytes=None):
    """One device of a row of hardware.json; `memory_bytes` where it is known better."""
    size = memory_bytes or int(sheet.get('mem_gb_label', 0) * 2**30)
    kind = KINDS.get(sheet.get('cls', 'gpu'), sheet.get('cls', 'gpu'))
    memory = {'kind': memory_kind(sheet.get('mem_type', '')), 'size_bytes': size,
              'usable_bytes': size}
    if sheet.get('mem_bw_gbs'):
        memory['bytes_per_second'] = int(sheet['mem_bw_gbs'] * 1e9)
    compute = {RATES[name]: {'ops_per_second': rate * 1e12, 'support': 'native'}
               for name, rate in sheet.get('dense_tflops', {}).items() if name in RATES}
    return {'id': f'{kind}-{index}', 'kind': kind, 'vendor': sheet.get('vendor'),
            'name': sheet['id'], 'memories': [memory], 'compute': compute}


def system(sheets, links=()):
    """A machine of those devices; `links` are pairs of indices with bytes per second."""
    devices = [device(index, sheet) for index, sheet in enumerate(sheets)]
    return {'schema': 1, 'devices': devices,
            'links': [{'a': devices[a]['id'], 'b': devices[b]['id'], 'kind': 'fabric',
                       'bytes_per_second': int(rate)} for a, b, rate in links]}
