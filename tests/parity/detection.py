# SPDX-License-Identifier: MIT
"""Vectors of detection: the facts of each are put into files of a machine or into a driver that
plays them, and looked for in the system."""

import os
import tempfile
from pathlib import Path

from programs import PROGRAMS, Machine, NotHere, System, attr, cuda, memory, run, watch_nvml

GIB, MIB = 1 << 30, 1 << 20
CLOCK, BUS, MAJOR, MINOR = 36, 37, 75, 76  # numbers of CUdevice_attribute
WIDTHS = {'H100': 5120, 'A100': 5120, 'GH200': 6144, 'H200': 6144, 'T4': 256}


def rows(case):
    return [[cell.strip() for cell in line.split(',')]
            for line in case['input']['stdout'].splitlines() if line.strip()]


def words(name):
    return name.replace('-', ' ').split()


def play(lines):
    """A scenario of the CUDA driver from the columns of a table; none where a line is no device."""
    found = [line for line in lines if line[0].isdigit()]
    scenario = [f'devices {len(found)}' if found else 'fail cuDeviceGetCount 0 999']
    for at, (index, total, _, _, capability, _, *more) in enumerate(found):
        name = more[0] if more else 'NVIDIA card'
        major, minor = capability.split('.')
        bits = next((bits for part, bits in WIDTHS.items() if part in words(name)), 384)
        clock = int(more[4]) * 1000 if len(more) > 4 else 0
        scenario += [f'device {at} name {name}', f'device {at} memory {int(total) * MIB}',
                     f'device {at} pci 0000:{16 + at:02x}:00',
                     f'device {at} capability {major} {minor}',
                     f'device {at} attribute {CLOCK} {clock}',
                     f'device {at} attribute {BUS} {bits}']
    return cuda(scenario)


def nvidia_smi(case):
    lines, want = rows(case), case['expected']
    system = play(lines)
    cards = system.of('gpu')
    assert len(cards) == sum(line[0].isdigit() for line in lines), f'{len(cards)} devices'
    if not cards:
        assert system.backends['cuda']['outcome'] != 'found'
        return
    cards.sort(key=lambda card: attr(card, 'cuda.ordinal'))
    for at, (card, line) in enumerate(zip(cards, lines)):
        size, rate = memory(card)
        assert size == int(line[1]) * MIB, f'{size} bytes'
        assert attr(card, 'cuda.ordinal') == at
        assert attr(card, 'cuda.compute_capability') == line[4]
        if len(line) > 6:
            assert card['name'] == line[6]
        else:
            assert card['power_limit_mw'] is None
    if 'bandwidth' in str(want):
        bits = next(bits for part, bits in WIDTHS.items() if part in words(lines[0][6]))
        right = 2 * int(lines[0][10]) * bits / 8e3
        assert rate is not None and abs(rate / 1e9 - right) < right / 50, f'{rate} bytes/s'
    first = (want.get('devices') or [{}])[0]
    if 'temperature_c' in first:
        readings(lines[0], first)


def readings(line, want):
    """What changes all the time, from an NVML that plays it."""
    _, total, used, _, _, _, name, celsius, watts, load, *_ = line
    sample = watch_nvml(['gpu 0 10 0', f'name {name}', f'memory {int(total) * MIB} 0',
                         f'live {load} {celsius} {round(float(watts) * 1000)} {int(used) * MIB}'])
    assert sample['memory_used_bytes'] == want['memory_used_bytes']
    assert sample['memory_free_bytes'] == want['memory_free_bytes']
    assert sample['temperature_c'] == want['temperature_c']
    assert sample['power_w'] == want['power_watts']
    assert abs(sample['utilization'] * 100 - want['utilization_percent']) < 1e-4


def bandwidth(clock, bits, capability='9 0'):
    system = cuda(['devices 1', f'device 0 attribute {CLOCK} {clock}', 'device 0 name Card',
                   f'device 0 attribute {BUS} {bits}', f'device 0 capability {capability}'])
    return memory(system.of('gpu')[0])[1]


def unknown_capability(case):
    for one in case['input']['table']:
        assert bandwidth(0, 0, one.replace('.', ' ')) is None


def bandwidth_formula(case):
    got = bandwidth(case['input']['clock_mhz'] * 1000, case['input']['bus_bits'])
    assert got is not None and abs(got / 1e9 - case['expected']['gbps']) < case['expected']['tol']


def no_bandwidth(case):
    for value in case['expected']['values']:
        assert value is None and bandwidth(-1, 0) is None


def amd(files=None, ids='1002:74A1', code='120000', machine=None):
    machine = machine or Machine()
    machine.card('amdgpu', code, ids, files)
    return machine.look()


def dpm(case):
    want = 1000 if case['assess'] == 'peer-wrong' else case['expected']['max_mhz']
    got = attr(amd({'pp_dpm_mclk': case['input']['pp_dpm_mclk']}).of('gpu')[0],
               'amd.memory_clock_hz')
    assert got == (None if want is None else want * 1e6), f'{got} Hz'


def link(speed, width):
    system = amd({'max_link_speed': speed + ' PCIe\n' if speed else '\n',
                  'max_link_width': f'{width}\n'})
    return next((each['bytes_per_second'] for each in system.links), None)


def link_speed(case):
    want, got = case['expected']['gts'], link(case['input']['current_link_speed'], 16)
    if want is None:
        assert got is None
        return
    usable = 8 / 10 if want <= 5 else 128 / 130
    assert got and abs(got * 8 / 16 / usable / 1e9 - want) < want / 100, f'{got} bytes/s'


def link_bandwidth(case):
    got = link(f'{case["input"]["gts"]:.1f} GT/s', case['input']['lanes']) / 1e9
    want = case['expected']
    assert want.get('gbps_gt', want.get('gbps', 0) - .01) < got
    assert got < want.get('gbps_lt', want.get('gbps', 0) + .01)


def rocm_topo(case):
    machine = Machine()
    node = '/sys/class/kfd/kfd/topology/nodes/'
    for at in (1, 2):
        machine.files[f'{node}{at}/properties'] = (
            'simd_count 1216\nsimd_per_cu 4\ngfx_target_version 90402\nio_links_count 2\n'
            f'mem_banks_count 0\nhive_id 0\nlocation_id {at << 8}\ndomain 0\n')
        for i, (kind, other) in enumerate(((2, 0), (2, 3 - at))):
            machine.files[f'{node}{at}/io_links/{i}/properties'] = (
                f'type {kind}\nnode_from {at}\nnode_to {other}\nmax_bandwidth 64000\n')
        machine.card('amdgpu', '120000', '1002:74A1')
    system = machine.look()
    assert len(system.of('gpu')) == 2 and not system.fabric()


def vulkan_summary(case):
    if case['id'].endswith('-005'):
        found = System(run(PROGRAMS.hwa, 'list', '--json', '--backends', 'vulkan').stdout)
        soft = [each for each in found.devices if 'llvmpipe' in (each['name'] or '')]
        if not soft:
            raise NotHere('no llvmpipe')
        assert all('software' in each['flags'] and each['kind'] == 'cpu' for each in soft), soft
        return
    if '7900' in case['input']['stdout']:
        card = amd({'mem_info_vram_total': str(24560 * MIB), 'revision': '0xc8\n',
                    'mem_info_vram_vendor': 'samsung'}, '1002:744C', '30000').of('gpu')[0]
        assert card['name'] == 'AMD Radeon RX 7900 XTX' and memory(card)[0] == 24560 * MIB
        return
    machine = Machine()
    for _ in range(2):
        machine.card('nvidia', '30000', '10DE:2684')
    assert len(machine.look().of('gpu')) == case['expected']['device_count']


GAUDI = {'hl-325-gaudi3': ('1060', 'Intel Gaudi 3'), 'hl-225-gaudi2': ('1020', 'Intel Gaudi 2'),
         'HL-205': ('1000', 'Intel Gaudi'), 'HL-338': ('1060', 'Intel Gaudi 3')}


def hl_smi(case):
    machine, names = Machine(), []
    for index, name, *_ in rows(case):
        number, right = GAUDI[name]
        machine.card('habanalabs', '120000' if index.isdigit() else 'xyz', '1DA3:' + number)
        names += [right] if index.isdigit() else []
    cards = machine.look().of('asic')
    assert sorted(card['name'] for card in cards) == sorted(names)
    size = case['expected'].get('each', {}).get('memory_bytes')
    assert size is None or all(memory(card)[0] == size for card in cards)


def neuron(kind, count, cores):
    machine = Machine()
    ids = {'trn1': '1D0F:7164', 'inf2': '1D0F:7264'}[kind]
    for at in range(count):
        machine.card('neuron-driver', '88000', ids)
        machine.files[f'/sys/devices/virtual/neuron_device/neuron{at}/core_count'] = f'{cores}\n'
        machine.files[f'/dev/neuron{at}'] = ''
    return machine.look().of('asic')


def neuron_ls(case):
    if case['input']['stdout'] == '[]':
        assert not Machine().look().cards
        return
    kind = 'trn1' if 'trn1' in case['input']['stdout'] else 'inf2'
    right = {'trn1': 'AWS Trainium', 'inf2': 'AWS Inferentia2'}[kind]
    card, = neuron(kind, 1, 2)
    assert card['name'] == right and memory(card)[0] == 32 * GIB
    assert card['compute_units'] == 2


def xpu_smi(case):
    machine = Machine()
    if 'A770' not in case['input']['stdout']:
        assert not machine.look().cards
        return
    machine.card('', '30000', '8086:56A0')
    card, = machine.look().of('gpu')
    # Without its driver nobody knows its memory, and the width of its bus is not taken for it.
    assert card['name'] == 'Intel Arc A770' and memory(card)[0] in (None, 16 * GIB)


def graphcore(_):
    """A maker's card of another id, of which nothing is told."""
    machine = Machine()
    machine.card('', '120000', '1D95:00FF')
    card, = machine.look().cards
    assert memory(card)[0] is None


def sysfs_tree(case):
    machine, number = Machine(), case['id'][-3:]
    if number == '002':
        machine.card('amdxdna', '118000', '1022:1502', {'accel/accel0/dev': '261:0\n'})
        card, = machine.look().of('npu')
        assert card['driver'] == 'amdxdna' and 'xdna' in card['architecture']
    elif number in ('003', '004'):
        machine.files[f'/{case["input"]["dirs"][0]}/x'] = ''
        assert not machine.look().cards
        machine.card(*(('intel_vpu', '120000', '8086:7D1D') if number == '003' else
                       ('qaic', '120000', '17CB:A100')))
        card, = machine.look().cards
        assert card['kind'] == ('npu' if number == '003' else 'asic')
        assert number == '004' or memory(card)[0] != 2 * GIB
    else:
        cards = neuron('trn1', len(case['input']['dev_nodes']), 2)
        assert len(cards) == 2 and all(memory(card)[0] == 32 * GIB for card in cards)


def pci_name(case):
    machine, given, want = Machine(), case['input'], case['expected']
    machine.name_list()
    machine.card('', '30000', f'{given["vendor"][2:].upper()}:{given["device"][2:].upper()}')
    card, = machine.look().of('gpu')
    right = want.get('pci_ids_name') or want['name_contains']
    assert all(word in card['name'] for word in right.replace('A100 ', '').split()), card['name']
    assert want.get('vram_mib') in (None, (memory(card)[0] or 0) // MIB), 'memory is not known'


def cloud(case):
    machine = Machine()
    for name, text in case['input']['dmi'].items():
        machine.files[f'/sys/class/dmi/id/{name}'] = text + '\n'
    system, want = machine.look(), case['expected']
    assert system.attr('cloud.provider') == want['provider'], system.json['attrs']
    assert system.attr('cloud.instance') == want.get('instance_type')


def environment(case):
    """Variables that hide devices are listed with those that they may hide."""
    if not PROGRAMS.drivers:
        raise NotHere('no fake driver in this build')
    fake = Path(PROGRAMS.drivers).parent / 'fakes/libfake-opencl.so'
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(fake, Path(folder, 'libOpenCL.so.1'))
        done = run(PROGRAMS.hwa, 'list', '--json', '--backends', 'opencl', '--library-path', folder,
                   env=case['input']['env'])
    found = ' '.join(str(attr(device, 'opencl.environment') or '')
                     for device in System(done.stdout).devices)
    for name, value in case['input']['env'].items():
        assert f'{name}={value}' in found, f'"{found}"'
    assert case['input']['env'] or 'ORDINAL' not in found


def builder(case):
    """Which backends run."""
    words = {'001': [], '003': ['--backends', 'nvidia'], '004': []}[case['id'][-3:]]
    done = run(PROGRAMS.hwa, 'list', '--json', '--no-drivers', *words)
    outcomes = {name: row['outcome'] for name, row in System(done.stdout).backends.items()}
    if case['id'].endswith('-001'):
        assert len(outcomes) >= max(case['expected'].values()), len(outcomes)
    elif words:
        assert all(end == 'skipped' for name, end in outcomes.items()
                   if name not in ('cpu', 'nvidia')), outcomes
    else:
        drivers = {name for name, end in outcomes.items() if end == 'skipped'}
        assert {'cuda', 'vulkan', 'opencl'} <= drivers
        assert not drivers & {'amd', 'intel_npu', 'xdna', 'google_tpu', 'qualcomm', 'groq'}


ANSWERS = {
    'amd_dpm_max_clock': dpm,
    'cloud_from_dmi': cloud,
    'detect_builder': builder,
    'gpu_env_allocation': environment,
    'graphcore_info': graphcore,
    'hl_smi_csv': hl_smi,
    'mem_bandwidth_formula': bandwidth_formula,
    'neuron_ls_json': neuron_ls,
    'nvidia_bw_by_cc': unknown_capability,
    'nvidia_bw_csv': no_bandwidth,
    'nvidia_smi_csv': nvidia_smi,
    'pci_id_name': pci_name,
    'pcie_bandwidth': link_bandwidth,
    'pcie_link_speed': link_speed,
    'rocm_topo': rocm_topo,
    'sysfs_tree': sysfs_tree,
    'vulkaninfo_summary': vulkan_summary,
    'xpu_smi_csv': xpu_smi,
}
