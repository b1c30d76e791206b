// SPDX-License-Identifier: MIT
// The processor as a device.
#include "detect/cpu.h"

namespace hwa::detect {

using core::Source;

void find_cpu(const os::Host &host, core::System &system) {
    core::Device device;
    device.id = "cpu-0";
    device.kind = core::Kind::Cpu;
    if (host.live())
        device.flags |= core::DeviceUsable;
    device.backends = {"cpu"};
    core::Memory memory;
    memory.role = core::MemoryRole::Dedicated;
    memory.size_bytes = {system.memory_bytes, Source::Kernel};
    memory.usable_bytes = system.memory_bytes;
    device.memories.push_back(memory);
    system.devices.push_back(std::move(device));
}

} // namespace hwa::detect
