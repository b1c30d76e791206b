// SPDX-License-Identifier: MIT
// System <-> JSON, by docs/schema/system.json: the public dump, the helper's answer, the replay.
#pragma once

#include "base/json.h"
#include "base/status.h"
#include "core/system.h"

#include <string>
#include <string_view>

namespace hwa::core {

/// The schema number written into every document.
inline constexpr uint64_t system_schema = 1;

/// The whole system as a document, ending in a line end.
std::string system_to_json(const System &system);

/// The system of a document. Keys it does not know are passed over; a newer schema number adds a
/// note. A device needs an id, a kind and a memory only.
base::Result<System> system_from_json(std::string_view name, std::string_view text);

/// One device as an object of the same schema, on one line.
std::string device_to_json(const Device &device);
base::Result<Device> device_from_json(const base::JsonValue &value);

} // namespace hwa::core
