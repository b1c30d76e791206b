// SPDX-License-Identifier: MIT
// Sampler: a vendor's library that tells how devices are doing. It runs in a helper process only.
#pragma once

#include "base/status.h"
#include "core/device.h"
#include "monitor/reading.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hwa::monitor {

/// Says which foreign call comes next, so that a crash or a hang can be blamed on it.
using Stage = std::function<void(const char *call)>;

/// The library at work, its devices found once.
class Meter {
  public:
    virtual ~Meter() = default;
    /// What it tells of the device at that place of the list; why not, where it tells nothing.
    virtual Reading read(size_t index) = 0;
};

struct Sampler {
    const char *name;
    const char *backends; ///< "a,b": those whose devices it reads
    /// `ids` are those of core::Device.
    base::Result<std::unique_ptr<Meter>> (*open)(const std::string &library_path,
                                                 std::span<const std::string> ids,
                                                 const Stage &stage);
};

/// The sampler for a device, or NULL.
const Sampler *sampler_for(const core::Device &device);
/// The sampler of that name, or NULL.
const Sampler *find_sampler(std::string_view name);

/// Those of the table.
base::Result<std::unique_ptr<Meter>>
open_hlml(const std::string &library_path, std::span<const std::string> ids, const Stage &stage);
base::Result<std::unique_ptr<Meter>> open_level_zero(const std::string &library_path,
                                                     std::span<const std::string> ids,
                                                     const Stage &stage);
base::Result<std::unique_ptr<Meter>>
open_nvml(const std::string &library_path, std::span<const std::string> ids, const Stage &stage);

} // namespace hwa::monitor
