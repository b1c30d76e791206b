// SPDX-License-Identifier: MIT
// The NVML witness.
#pragma once

#include "api/nvml.h"
#include "detect/probe.h"

#include <optional>

namespace hwa::detect {

inline constexpr uint32_t nvml_unnumbered = UINT32_MAX;

/// One device, or a part of one, while NVML is asked about it.
struct NvmlSubject {
    const api::Nvml &nvml;
    nvmlDevice_t handle;
    uint32_t index; ///< as NVML counts whole devices, or nvml_unnumbered

    /// What a function tells as a number; nothing if it lacks or answers an error.
    std::optional<unsigned> number(nvmlReturn_t (*ask)(nvmlDevice_t, unsigned *)) const {
        unsigned value = 0;
        if (ask == nullptr || ask(handle, &value) != NVML_SUCCESS)
            return std::nullopt;
        return value;
    }
    /// The same of a function that takes what is asked for.
    template <class What>
    std::optional<unsigned> number(nvmlReturn_t (*ask)(nvmlDevice_t, What, unsigned *),
                                   What what) const {
        unsigned value = 0;
        if (ask == nullptr || ask(handle, what, &value) != NVML_SUCCESS)
            return std::nullopt;
        return value;
    }
};

/// The devices that can be asked about.
struct NvmlOpened {
    std::vector<NvmlSubject> subjects;
    base::Done last; ///< why NVML refused the last one that it did
};

/// A call that failed, in words.
base::Error nvml_failure(const char *call, nvmlReturn_t code);

/// Has NVML hand out its devices, but wakes none that sleeps.
base::Result<NvmlOpened> open_nvml_devices(const os::Host &host, const api::Nvml &nvml,
                                           Findings &findings);

/// True if the kernel tier saw a device of NVIDIA that is awake, or nodes of its drivers.
bool nvml_wanted(const os::Host &host, const core::System &system);

/// Initialises NVML and asks it for the devices of that machine.
base::Done ask_nvml_of(const os::Host &host, const std::string &library_path, Findings &findings);

/// The same of this machine; for the helper process.
base::Done ask_nvml(const std::string &library_path, Findings &findings);

/// Puts in the memory of a device or a part.
void put_nvml_memory(const NvmlSubject &subject, core::Device &device);

/// Hands over the parts that a device is divided into (MIG).
void find_nvml_parts(const NvmlSubject &whole, const core::Device &device, Findings &findings);

/// Counts the NVLinks of a device by what is at their other end, as attributes from which
/// find_nvlinks() makes links.
void put_nvlinks(const NvmlSubject &subject, core::Device &device);

/// Counts its links to a processor in the same package (NVLink-C2C), likewise.
void put_chip_links(const NvmlSubject &subject, core::Device &device);

/// Puts in the fabric of switches that a device belongs to.
void put_fabric(const NvmlSubject &subject, core::Device &device);

/// Makes links of devices from what the two above told of them.
void find_nvlinks(core::System &system);

} // namespace hwa::detect
