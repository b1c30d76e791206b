# SPDX-License-Identifier: MIT
"""T17: what detection says of each NVIDIA device beside what `nvidia-smi -q -x` prints of it, field
by field. What the tool does not know (N/A and the like) is not compared."""

import re
import xml.etree.ElementTree as Tree

MODES = {'None': 'none', 'Pass-Through': 'passthrough', 'VGPU': 'vgpu', 'Host VGPU': 'vgpu_host',
         'Host VSGA': 'vsga_host'}
NUMBER = re.compile(r'(\d+(?:\.\d+)?)( MiB| MHz| W|x)?')


def number(text):
    """A quantity without its unit; None where there is none."""
    found = NUMBER.fullmatch(text or '')
    return float(found[1]) if found else None


def word(text):
    text = (text or '').strip()
    unknown = text in ('', 'N/A', 'None') or text.startswith(('[', 'Requested', 'Not '))
    return None if unknown else text


def attr(device, key):
    return device['attrs'].get(key, {}).get('value')


def main_memory(device):
    return next((each for each in device['memories'] if each['role'] == 'dedicated'), None)


def reserved(device):
    memory = main_memory(device)
    return (memory['size_bytes'] - memory['usable_bytes']) / 2**20


def link(gpu):
    place = 'pci/pci_gpu_link_info/'
    made = number(gpu.findtext(place + 'pcie_gen/max_link_gen'))
    width = number(gpu.findtext(place + 'link_widths/max_link_width'))
    return f'pcie{made:.0f} x{width:.0f}' if made and width else None


def power(gpu):
    """By the newer of its names or the older."""
    told = (number(gpu.findtext('gpu_power_readings/current_power_limit')) or
            number(gpu.findtext('power_readings/enforced_power_limit')))
    return told and told * 1000


def bandwidth(gpu, device):
    """Both edges of the clock on each line of the bus, whose width detection has."""
    clock = number(gpu.findtext('max_clocks/mem_clock'))
    bits = main_memory(device) and main_memory(device)['bus_bits']
    return clock and bits and clock * 1e6 * 2 * bits / 8


def fields(gpu, device):
    """(name, what the tool says, what detection says)."""
    memory = main_memory(device)
    ids = word(gpu.findtext('pci/pci_device_id'))
    yield 'product_name', word(gpu.findtext('product_name')), device['name']
    yield 'uuid', word(gpu.findtext('uuid')), attr(device, 'nvidia.uuid')
    yield 'minor_number', number(gpu.findtext('minor_number')), attr(device, 'nvidia.minor')
    yield 'pci_device_id', ids and int(ids[:4], 16), device['pci_device']
    yield 'pci_device_id, maker', ids and int(ids[4:], 16), device['pci_vendor']
    yield 'power limit', power(gpu), device['power_limit_mw']
    yield ('max_clocks/sm_clock', number(gpu.findtext('max_clocks/sm_clock')),
           attr(device, 'nvml.max_sm_mhz'))
    yield ('max_customer_boost_clocks',
           number(gpu.findtext('max_customer_boost_clocks/graphics_clock')),
           attr(device, 'nvml.boost_mhz'))
    yield ('virtualization_mode',
           MODES.get(gpu.findtext('gpu_virtualization_mode/virtualization_mode')),
           attr(device, 'nvml.virtualization'))
    state = word(gpu.findtext('fabric/state'))
    yield 'fabric/state', state and state.lower(), attr(device, 'nvml.fabric.state')
    cluster = (word(gpu.findtext('fabric/clusterUuid')) or '').replace('-', '')
    if cluster.strip('0'):
        yield 'fabric/clusterUuid', cluster.lower(), attr(device, 'nvml.fabric.cluster')
        yield ('fabric/cliqueId', number(gpu.findtext('fabric/cliqueId')),
               attr(device, 'nvml.fabric.clique'))
    if memory is not None:
        yield ('fb_memory_usage/total', number(gpu.findtext('fb_memory_usage/total')),
               round(memory['size_bytes'] / 2**20))
        yield 'max_clocks/mem_clock', bandwidth(gpu, device), memory['bytes_per_second']
    if memory is not None and memory['usable_bytes'] is not None:
        yield ('fb_memory_usage/reserved', number(gpu.findtext('fb_memory_usage/reserved')),
               round(reserved(device)))
    if attr(device, 'pci.link_best') is not None:
        yield 'pci_gpu_link_info', link(gpu), attr(device, 'pci.link_best')


def parts(gpu, id_, devices):
    """The same of each part of a device (MIG)."""
    for told in gpu.iterfind('mig_devices/mig_device'):
        name = f'gi{told.findtext("gpu_instance_id")}-ci{told.findtext("compute_instance_id")}'
        part = devices.get(f'{id_}-{name}')
        yield f'mig_device {name}', 'there', 'there' if part else 'absent'
        if part is None:
            continue
        count = told.findtext('device_attributes/shared/multiprocessor_count')
        yield f'mig_device {name}, multiprocessor_count', number(count), part['compute_units']
        memory = main_memory(part)
        yield (f'mig_device {name}, fb_memory_usage/total',
               number(told.findtext('fb_memory_usage/total')),
               memory and round(memory['size_bytes'] / 2**20))


def version(log):
    driver, cuda = word(log.findtext('driver_version')), word(log.findtext('cuda_version'))
    return driver and cuda and f'{driver}, CUDA {cuda}'


def every(log, system):
    """(device, name, what the tool says, what detection says)."""
    devices = {device['id']: device for device in system['devices']}
    rows = {row['name']: row for row in system['backends']}
    gpus = log.findall('gpu')
    told = sum(1 for device in system['devices'] if 'nvml' in device['backends']
               and 'partition' not in device['flags'])
    yield 'all', 'attached_gpus', len(gpus), told
    yield 'all', 'driver_version, cuda_version', version(log), rows['nvml']['version']
    for gpu in gpus:
        place = 'pci-' + gpu.findtext('pci/pci_bus_id').lower().removeprefix('0000')
        if place not in devices:
            yield place, 'pci_bus_id', 'there', 'absent'
            continue
        for field in fields(gpu, devices[place]):
            yield place, *field
        for field in parts(gpu, place, devices):
            yield place, *field


def same(theirs, ours):
    if isinstance(theirs, float) and isinstance(ours, (int, float)):
        return abs(theirs - ours) <= 1e-6 * abs(theirs)
    return theirs == ours


def compare(text, system):
    """Rows (what, figure, verdict) of each field that the tool knows."""
    rows = []
    for place, name, theirs, ours in every(Tree.fromstring(text), system):
        if theirs is None:
            continue
        figure = f'{ours}' if same(theirs, ours) else f'{ours}, the tool says {theirs}'
        rows.append((f'{place} {name}', figure, 'pass' if same(theirs, ours) else 'FAIL'))
    return rows
