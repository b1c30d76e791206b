// SPDX-License-Identifier: MIT
// Readings of Gaudi. Document: Intel Gaudi documentation, "Habana Labs Management Library (HLML)".
#include "api/hlml.h"
#include "base/text.h"
#include "monitor/sampler.h"

#include <algorithm>
#include <array>
#include <vector>

namespace hwa::monitor {

using base::Status;

static base::Error failure(const char *call, hlml_return_t code) {
    const Status status = code == HLML_ERROR_AIP_IS_LOST ? Status::Lost
                          : code == HLML_ERROR_NOT_FOUND || code == HLML_ERROR_DRIVER_NOT_LOADED
                              ? Status::Unavailable
                              : Status::Driver;
    base::Error why = base::error(status, "%s answered %s (%d)", call, api::hlml_error(code),
                                  static_cast<int>(code));
    why.code = code;
    return why;
}

namespace {

class HlmlMeter final : public Meter {
  public:
    HlmlMeter(api::Hlml hlml, size_t count, const Stage &stage)
        : hlml_(std::move(hlml)), handles_(count), stage_(stage) {}

    base::Done find(std::span<const std::string> ids);
    Reading read(size_t index) override;

  private:
    api::Hlml hlml_;
    std::vector<hlml_device_t> handles_;
    const Stage &stage_;
};

/// Its table of devices is by index, with upper-case addresses in some versions.
base::Done HlmlMeter::find(std::span<const std::string> ids) {
    constexpr unsigned most_devices = 4096;
    unsigned count = 0;
    stage_("hlml_device_get_count");
    if (const hlml_return_t code = hlml_.hlml_device_get_count(&count); code != HLML_SUCCESS)
        return failure("hlml_device_get_count", code);
    stage_("hlml_device_get_pci_info");
    for (unsigned i = 0; i < std::min(count, most_devices); ++i) {
        hlml_device_t handle = nullptr;
        hlml_pci_info_t pci = {};
        if (hlml_.hlml_device_get_handle_by_index(i, &handle) != HLML_SUCCESS ||
            hlml_.hlml_device_get_pci_info(handle, &pci) != HLML_SUCCESS)
            continue;
        std::string id =
            "pci-" + std::string(std::begin(pci.bus_id),
                                 std::find(std::begin(pci.bus_id), std::end(pci.bus_id), '\0'));
        std::transform(id.begin(), id.end(), id.begin(), [](char c) {
            return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        const auto at = std::find(ids.begin(), ids.end(), id);
        if (at != ids.end())
            handles_[static_cast<size_t>(at - ids.begin())] = handle;
    }
    return {};
}

Reading HlmlMeter::read(size_t index) {
    Reading reading;
    const hlml_device_t handle = handles_[index];
    if (handle == nullptr) {
        reading.status = Status::Unavailable;
        reading.message = "the driver no longer shows it";
        return reading;
    }
    stage_("hlml_device_get_memory_info");
    hlml_memory_t memory = {};
    const hlml_return_t code = hlml_.hlml_device_get_memory_info(handle, &memory);
    if (code == HLML_SUCCESS && memory.total != 0) {
        reading.memory_total_bytes = memory.total;
        reading.memory_free_bytes = memory.free;
        reading.memory_used_bytes = memory.used;
    } else if (code != HLML_SUCCESS) {
        base::Error why = failure("hlml_device_get_memory_info", code);
        reading.status = why.status;
        reading.message = std::move(why.message);
    }
    if (hlml_.hlml_device_get_utilization_rates != nullptr) {
        stage_("hlml_device_get_utilization_rates");
        hlml_utilization_t load = {};
        if (hlml_.hlml_device_get_utilization_rates(handle, &load) == HLML_SUCCESS &&
            load.aip <= 100)
            reading.utilization = static_cast<float>(load.aip) / 100;
    }
    unsigned value = 0;
    if (hlml_.hlml_device_get_temperature != nullptr) {
        stage_("hlml_device_get_temperature");
        if (hlml_.hlml_device_get_temperature(handle, HLML_TEMPERATURE_ON_AIP, &value) ==
            HLML_SUCCESS)
            reading.temperature_c = static_cast<float>(value);
    }
    if (hlml_.hlml_device_get_power_usage != nullptr) {
        stage_("hlml_device_get_power_usage");
        if (hlml_.hlml_device_get_power_usage(handle, &value) == HLML_SUCCESS)
            reading.power_w = static_cast<float>(value) / 1000;
    }
    if (hlml_.hlml_device_get_clock_info != nullptr) {
        stage_("hlml_device_get_clock_info");
        if (hlml_.hlml_device_get_clock_info(handle, HLML_CLOCK_SOC, &value) == HLML_SUCCESS)
            reading.clock_hz = uint64_t{value} * 1000000;
    }
    return reading;
}

} // namespace

base::Result<std::unique_ptr<Meter>>
open_hlml(const std::string &library_path, std::span<const std::string> ids, const Stage &stage) {
    stage("dlopen");
    HWA_TRY(api::Hlml hlml, api::load_hlml(library_path));
    stage("hlml_init");
    if (const hlml_return_t code = hlml.hlml_init();
        code != HLML_SUCCESS && code != HLML_ERROR_ALREADY_INITIALIZED)
        return failure("hlml_init", code);
    auto meter = std::make_unique<HlmlMeter>(std::move(hlml), ids.size(), stage);
    HWA_CHECK(meter->find(ids));
    return std::unique_ptr<Meter>(std::move(meter));
}

} // namespace hwa::monitor
