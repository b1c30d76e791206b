// SPDX-License-Identifier: MIT
// Which devices NVML is asked for. To start it starts none; to hand out a device starts that one,
// and wakes it (NVML API Reference Guide, nvmlInit_v2 and nvmlDeviceGetHandleByPciBusId_v2). Where
// one sleeps, the others are asked for by address: who goes by number cannot tell which it is.
#include "detect/nvml.h"

#include "base/text.h"
#include "detect/frames.h"

namespace hwa::detect {

/// Addresses of the cards that NVIDIA's driver has in hand and that are awake; nothing where none
/// sleeps.
static std::optional<std::vector<std::string>> only_awake(const os::Host &host) {
    const std::string folder = "/sys/bus/pci/drivers/nvidia/";
    std::vector<std::string> awake;
    bool all = true;
    const auto names = host.list(folder, device_limit);
    if (!names)
        return std::nullopt;
    for (const std::string &name : *names) {
        if (name.find(':') == name.npos)
            continue;
        const auto status = host.read_file(folder + name + "/power/runtime_status");
        const bool asleep = status && base::trim(*status) == "suspended";
        if (!asleep)
            awake.push_back(name);
        all = all && !asleep;
    }
    return all ? std::nullopt : std::optional(std::move(awake));
}

static void open_awake(const api::Nvml &nvml, const std::vector<std::string> &addresses,
                       NvmlOpened &opened) {
    for (const std::string &address : addresses) {
        NvmlSubject subject{nvml, nullptr, nvml_unnumbered};
        const nvmlReturn_t code =
            nvml.nvmlDeviceGetHandleByPciBusId_v2(address.c_str(), &subject.handle);
        if (code != NVML_SUCCESS) {
            opened.last = nvml_failure("nvmlDeviceGetHandleByPciBusId", code);
            continue;
        }
        subject.index = subject.number(nvml.nvmlDeviceGetIndex).value_or(nvml_unnumbered);
        opened.subjects.push_back(subject);
    }
}

base::Result<NvmlOpened> open_nvml_devices(const os::Host &host, const api::Nvml &nvml,
                                           Findings &findings) {
    NvmlOpened opened;
    if (const auto awake = only_awake(host)) {
        findings.stage("nvmlDeviceGetHandleByPciBusId");
        open_awake(nvml, *awake, opened);
        return opened;
    }
    findings.stage("nvmlDeviceGetCount");
    unsigned count = 0;
    if (const nvmlReturn_t code = nvml.nvmlDeviceGetCount_v2(&count); code != NVML_SUCCESS)
        return nvml_failure("nvmlDeviceGetCount", code);
    if (count > device_limit)
        return base::error(base::Status::Parse, "nvmlDeviceGetCount told of %u, which cannot be",
                           count);
    findings.stage("nvmlDeviceGetHandleByIndex");
    for (unsigned i = 0; i < count; ++i) {
        nvmlDevice_t handle = nullptr;
        const nvmlReturn_t code = nvml.nvmlDeviceGetHandleByIndex_v2(i, &handle);
        if (code != NVML_SUCCESS)
            opened.last = nvml_failure("nvmlDeviceGetHandleByIndex", code);
        else
            opened.subjects.push_back({nvml, handle, i});
    }
    return opened;
}

} // namespace hwa::detect
