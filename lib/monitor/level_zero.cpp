// SPDX-License-Identifier: MIT
// Readings of Intel's GPUs beyond what their kernel drivers tell: what is free of their memory.
// Document: Level Zero Specification, "Sysman Programming Guide".
#include "api/level_zero.h"
#include "base/text.h"
#include "detect/sysman.h"
#include "monitor/sampler.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace hwa::monitor {

using base::Status;

namespace {

class SysmanMeter final : public Meter {
  public:
    SysmanMeter(api::LevelZero ze, std::span<const std::string> ids, const Stage &stage);

    Reading read(size_t index) override;

  private:
    /// One device and what of it is read.
    struct Subject {
        bool shown = false;
        std::vector<zes_mem_handle_t> modules;
        std::vector<zes_temp_handle_t> sensors;
    };

    ze_result_t read_memory(const Subject &subject, Reading &reading) const;
    void read_heat(const Subject &subject, Reading &reading) const;

    api::LevelZero ze_;
    std::vector<Subject> subjects_;
    const Stage &stage_;
};

} // namespace

/// The handles that a function of the form (device, count, array) lists; none where it is missing.
template <class Handle>
static std::vector<Handle> handles(ze_result_t (*list)(zes_device_handle_t, uint32_t *, Handle *),
                                   zes_device_handle_t device) {
    constexpr uint32_t sane_count = 1024;
    uint32_t count = 0;
    if (list == nullptr || list(device, &count, nullptr) != ZE_RESULT_SUCCESS || count > sane_count)
        return {};
    std::vector<Handle> found(count);
    if (count == 0 || list(device, &count, found.data()) != ZE_RESULT_SUCCESS)
        return {};
    found.resize(std::min<size_t>(count, found.size()));
    return found;
}

SysmanMeter::SysmanMeter(api::LevelZero ze, std::span<const std::string> ids, const Stage &stage)
    : ze_(std::move(ze)), subjects_(ids.size()), stage_(stage) {
    stage_("zesInit");
    for (const detect::SysmanDevice &device : detect::list_sysman(ze_)) {
        const auto at = std::find(ids.begin(), ids.end(), device.id);
        if (at == ids.end())
            continue;
        Subject &subject = subjects_[static_cast<size_t>(at - ids.begin())];
        subject.shown = true;
        subject.modules = handles(ze_.zesDeviceEnumMemoryModules, device.handle);
        subject.sensors = handles(ze_.zesDeviceEnumTemperatureSensors, device.handle);
    }
}

/// Modules add up: a card has one for each tile. What fails for one is not known of the whole.
ze_result_t SysmanMeter::read_memory(const Subject &subject, Reading &reading) const {
    uint64_t free = 0, total = 0;
    if (ze_.zesMemoryGetState == nullptr || subject.modules.empty())
        return ZE_RESULT_SUCCESS;
    stage_("zesMemoryGetState");
    for (const zes_mem_handle_t module : subject.modules) {
        zes_mem_state_t state = {};
        state.stype = ZES_STRUCTURE_TYPE_MEM_STATE;
        if (const ze_result_t code = ze_.zesMemoryGetState(module, &state);
            code != ZE_RESULT_SUCCESS)
            return code;
        if (state.free > state.size || state.size > UINT64_MAX / 2048)
            return ZE_RESULT_ERROR_UNKNOWN;
        free += state.free;
        total += state.size;
    }
    if (total == 0)
        return ZE_RESULT_SUCCESS;
    reading.memory_total_bytes = total;
    reading.memory_free_bytes = free;
    reading.memory_used_bytes = total - free;
    return ZE_RESULT_SUCCESS;
}

void SysmanMeter::read_heat(const Subject &subject, Reading &reading) const {
    if (ze_.zesTemperatureGetState == nullptr || subject.sensors.empty())
        return;
    stage_("zesTemperatureGetState");
    for (const zes_temp_handle_t sensor : subject.sensors) {
        double celsius = 0;
        if (ze_.zesTemperatureGetState(sensor, &celsius) != ZE_RESULT_SUCCESS ||
            !std::isfinite(celsius))
            continue;
        const auto value = static_cast<float>(celsius);
        if (std::isnan(reading.temperature_c) || reading.temperature_c < value)
            reading.temperature_c = value;
    }
}

Reading SysmanMeter::read(size_t index) {
    Reading reading;
    const Subject &subject = subjects_[index];
    if (!subject.shown) {
        reading.status = Status::Unavailable;
        reading.message = "the driver's part for system management does not show it";
        return reading;
    }
    if (const ze_result_t code = read_memory(subject, reading); code != ZE_RESULT_SUCCESS) {
        reading.status = code == ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS ? Status::Denied
                         : code == ZE_RESULT_ERROR_DEVICE_LOST            ? Status::Lost
                                                                          : Status::Driver;
        reading.message = base::format("zesMemoryGetState answered %s (0x%x)",
                                       api::level_zero_error(code), static_cast<unsigned>(code));
    }
    read_heat(subject, reading);
    return reading;
}

base::Result<std::unique_ptr<Meter>> open_level_zero(const std::string &library_path,
                                                     std::span<const std::string> ids,
                                                     const Stage &stage) {
    stage("dlopen");
    HWA_TRY(api::LevelZero ze, api::load_level_zero(library_path));
    if (ze.zesInit == nullptr)
        return base::error(Status::Unsupported,
                           "%s is older than 1.5 and tells nothing without zesInit",
                           ze.library.path.c_str());
    return std::unique_ptr<Meter>(std::make_unique<SysmanMeter>(std::move(ze), ids, stage));
}

} // namespace hwa::monitor
