// SPDX-License-Identifier: MIT
// Readings of NVIDIA's devices. Document: NVML API Reference, "Device Queries".
#include "api/nvml.h"
#include "base/text.h"
#include "monitor/sampler.h"

#include <vector>

namespace hwa::monitor {

using base::Status;

static Status status_of(nvmlReturn_t code) {
    switch (code) {
    case NVML_ERROR_NO_PERMISSION:
        return Status::Denied;
    case NVML_ERROR_NOT_FOUND:
    case NVML_ERROR_DRIVER_NOT_LOADED:
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return Status::Unavailable;
    case NVML_ERROR_GPU_IS_LOST:
        return Status::Lost;
    default:
        return Status::Driver;
    }
}

static base::Error failure(const api::Nvml &nvml, const char *call, nvmlReturn_t code) {
    const char *words = nvml.nvmlErrorString != nullptr ? nvml.nvmlErrorString(code) : nullptr;
    base::Error why = base::error(status_of(code), "%s answered %d, %s", call,
                                  static_cast<int>(code), words != nullptr ? words : "no text");
    why.code = code;
    return why;
}

namespace {

class NvmlMeter final : public Meter {
  public:
    NvmlMeter(api::Nvml nvml, std::span<const std::string> ids, const Stage &stage)
        : nvml_(std::move(nvml)), ids_(ids.begin(), ids.end()), handles_(ids.size()),
          stage_(stage) {}

    Reading read(size_t index) override;

  private:
    nvmlReturn_t find(size_t index);
    void read_load(nvmlDevice_t handle, Reading &reading) const;
    void read_memory(nvmlDevice_t handle, Reading &reading) const;
    void read_sensors(nvmlDevice_t handle, Reading &reading) const;

    api::Nvml nvml_;
    std::vector<std::string> ids_;
    std::vector<nvmlDevice_t> handles_;
    const Stage &stage_;
};

/// Handles are kept; a device that was lost is looked for anew.
nvmlReturn_t NvmlMeter::find(size_t index) {
    constexpr std::string_view prefix = "pci-";
    if (handles_[index] != nullptr)
        return NVML_SUCCESS;
    if (!ids_[index].starts_with(prefix))
        return NVML_ERROR_NOT_FOUND;
    stage_("nvmlDeviceGetHandleByPciBusId_v2");
    return nvml_.nvmlDeviceGetHandleByPciBusId_v2(ids_[index].c_str() + prefix.size(),
                                                  &handles_[index]);
}

void NvmlMeter::read_load(nvmlDevice_t handle, Reading &reading) const {
    nvmlUtilization_t load = {};
    if (nvml_.nvmlDeviceGetUtilizationRates != nullptr) {
        stage_("nvmlDeviceGetUtilizationRates");
        if (nvml_.nvmlDeviceGetUtilizationRates(handle, &load) == NVML_SUCCESS && load.gpu <= 100)
            reading.utilization = static_cast<float>(load.gpu) / 100;
    }
    unsigned mhz = 0;
    if (nvml_.nvmlDeviceGetClockInfo != nullptr) {
        stage_("nvmlDeviceGetClockInfo");
        if (nvml_.nvmlDeviceGetClockInfo(handle, NVML_CLOCK_SM, &mhz) == NVML_SUCCESS)
            reading.clock_hz = uint64_t{mhz} * 1000000;
    }
}

void NvmlMeter::read_memory(nvmlDevice_t handle, Reading &reading) const {
    nvmlMemory_t memory = {};
    if (nvml_.nvmlDeviceGetMemoryInfo == nullptr)
        return;
    stage_("nvmlDeviceGetMemoryInfo");
    // A device that works in the host's memory tells zeros.
    if (nvml_.nvmlDeviceGetMemoryInfo(handle, &memory) != NVML_SUCCESS || memory.total == 0)
        return;
    reading.memory_total_bytes = memory.total;
    reading.memory_free_bytes = memory.free;
    reading.memory_used_bytes = memory.used;
}

void NvmlMeter::read_sensors(nvmlDevice_t handle, Reading &reading) const {
    unsigned value = 0;
    if (nvml_.nvmlDeviceGetTemperature != nullptr) {
        stage_("nvmlDeviceGetTemperature");
        if (nvml_.nvmlDeviceGetTemperature(handle, NVML_TEMPERATURE_GPU, &value) == NVML_SUCCESS)
            reading.temperature_c = static_cast<float>(value);
    }
    if (nvml_.nvmlDeviceGetPowerUsage != nullptr) {
        stage_("nvmlDeviceGetPowerUsage");
        if (nvml_.nvmlDeviceGetPowerUsage(handle, &value) == NVML_SUCCESS)
            reading.power_w = static_cast<float>(value) / 1000;
    }
}

Reading NvmlMeter::read(size_t index) {
    Reading reading;
    if (const nvmlReturn_t code = find(index); code != NVML_SUCCESS) {
        const base::Error why = failure(nvml_, "nvmlDeviceGetHandleByPciBusId_v2", code);
        reading.status = why.status;
        reading.message = why.message;
        handles_[index] = nullptr;
        return reading;
    }
    read_load(handles_[index], reading);
    read_memory(handles_[index], reading);
    read_sensors(handles_[index], reading);
    return reading;
}

} // namespace

base::Result<std::unique_ptr<Meter>>
open_nvml(const std::string &library_path, std::span<const std::string> ids, const Stage &stage) {
    stage("dlopen");
    HWA_TRY(api::Nvml nvml, api::load_nvml(library_path));
    stage("nvmlInit_v2");
    if (const nvmlReturn_t code = nvml.nvmlInit_v2(); code != NVML_SUCCESS)
        return failure(nvml, "nvmlInit_v2", code);
    return std::unique_ptr<Meter>(new NvmlMeter(std::move(nvml), ids, stage));
}

} // namespace hwa::monitor
