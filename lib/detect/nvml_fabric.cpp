// SPDX-License-Identifier: MIT
// Which fabric of switches a device belongs to, which may reach over many machines (NVL72): devices
// with the same cluster and clique reach each other's memory (NVML API Reference Guide,
// nvmlDeviceGetGpuFabricInfoV).
#include "detect/nvml.h"
#include "detect/witness.h"

namespace hwa::detect {

using core::Device;
using core::Source;

static std::optional<nvmlGpuFabricInfo_v3_t> ask(const NvmlSubject &subject) {
    // Of older drivers the beginning only.
    static constexpr unsigned versions[] = {nvmlGpuFabricInfo_v3, nvmlGpuFabricInfo_v2};
    if (subject.nvml.nvmlDeviceGetGpuFabricInfoV == nullptr)
        return std::nullopt;
    for (const unsigned version : versions) {
        nvmlGpuFabricInfo_v3_t told = {};
        told.version = version;
        if (subject.nvml.nvmlDeviceGetGpuFabricInfoV(subject.handle, &told) == NVML_SUCCESS)
            return told;
    }
    return std::nullopt;
}

void put_fabric(const NvmlSubject &subject, Device &device) {
    static constexpr const char *states[] = {"", "not started", "in progress", "completed"};
    const auto told = ask(subject);
    if (!told || told->state == 0 || told->state >= std::size(states))
        return;
    device.put_attr(core::attr_text("nvml.fabric.state", states[told->state], Source::Driver));
    if (told->state != NVML_GPU_FABRIC_STATE_COMPLETED)
        return;
    if (told->status != NVML_SUCCESS) {
        device.put_attr(core::attr_text("nvml.fabric.error",
                                        api::nvml_error(static_cast<nvmlReturn_t>(told->status)),
                                        Source::Driver));
        return;
    }
    // A machine with switches of its own alone has no cluster.
    const std::string cluster = uuid_text(std::span<const uint8_t, 16>(told->clusterUuid));
    if (cluster.empty())
        return;
    device.put_attr(core::attr_text("nvml.fabric.cluster", cluster, Source::Driver));
    device.put_attr(core::attr_int("nvml.fabric.clique", told->cliqueId, Source::Driver));
}

} // namespace hwa::detect
