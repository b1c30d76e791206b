#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An event loop that waits for devices: asyncio awaits the descriptors of events.

    events.py LIBHWA.SO

Every runtime of this machine copies at the same time, and no coroutine ever blocks the others.
Skips (77) where cffi is not installed.
"""

import asyncio
import os
import random

from smoke import detect, devices, done, ffi, info, lib, made, struct, text

SIZE = 1 << 20  # bytes of a buffer
ROUNDS = 4


async def over(event):
    """Returns once the event is over, and raises if it failed."""
    descriptor = ffi.new('int32_t *')
    done(lib.hwa_event_fd, event, descriptor)
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_reader(descriptor[0], future.set_result, None)
    try:
        await future
    finally:
        loop.remove_reader(descriptor[0])
        os.close(descriptor[0])
    done(lib.hwa_event_wait, event, 0)


def runtimes(device):
    count = info(lib.hwa_device_info, 'hwa_device_info_t', device).runtime_count
    for index in range(count):
        row = ffi.new('hwa_runtime_info_t *')
        row.struct_size = ffi.sizeof('hwa_runtime_info_t')
        assert lib.hwa_device_runtime(device, index, row) == lib.HWA_OK
        if row.status == lib.HWA_OK:
            yield row.name


def open_queue(device, runtime):
    return made(lib.hwa_queue_open, 'hwa_queue_t', device,
                struct('hwa_queue_options_t', runtime=runtime))


async def copy(queue, name):
    """In, from buffer to buffer, and out again, all of it queued before the first await."""
    a, b = (made(lib.hwa_buffer_create, 'hwa_buffer_t', queue,
                 struct('hwa_buffer_desc_t', size_bytes=SIZE)) for _ in range(2))
    for _ in range(ROUNDS):
        data = random.randbytes(SIZE)
        source, result = ffi.from_buffer(data), ffi.new('char[]', SIZE)
        events = [
            made(lib.hwa_buffer_write, 'hwa_event_t', a, 0, source, SIZE),
            made(lib.hwa_buffer_copy, 'hwa_event_t', b, 0, a, 0, SIZE),
            made(lib.hwa_buffer_read, 'hwa_event_t', b, 0, result, SIZE),
        ]
        await asyncio.gather(*map(over, events))
        assert bytes(ffi.buffer(result)) == data, name
    print(name)


async def main():
    system = detect()
    targets = [(device, runtime) for device in devices(system) for runtime in runtimes(device)]
    assert targets
    queues = [open_queue(*target) for target in targets]
    names = [f'{text(info(lib.hwa_device_info, "hwa_device_info_t", device).id)} {text(runtime)}'
             for device, runtime in targets]
    await asyncio.wait_for(asyncio.gather(*map(copy, queues, names)), timeout=60)


if __name__ == '__main__':
    asyncio.run(main())
