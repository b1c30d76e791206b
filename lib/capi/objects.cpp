// SPDX-License-Identifier: MIT
// Makes the shared state behind a system's handles.
#include "capi/objects.h"

#include <algorithm>

namespace hwa::capi {

static std::string joined(const std::vector<std::string> &names) {
    std::string list;
    for (const std::string &name : names)
        list += (list.empty() ? "" : ",") + name;
    return list;
}

const hwa_device_t *SystemState::find(std::string_view id) const {
    const auto before = [](const hwa_device_t *device, std::string_view wanted) {
        return device->facts->id < wanted;
    };
    const auto at = std::lower_bound(by_id.begin(), by_id.end(), id, before);
    return at != by_id.end() && (*at)->facts->id == id ? *at : nullptr;
}

std::shared_ptr<const SystemState> make_state(core::System system, base::Log log,
                                              std::string library_path) {
    auto state = std::make_shared<SystemState>();
    state->system = std::move(system);
    state->log = std::move(log);
    state->library_path = std::move(library_path);
    const std::vector<core::Device> &facts = state->system.devices;
    state->devices.resize(facts.size());
    for (size_t i = 0; i < facts.size(); ++i) {
        hwa_device_t &device = state->devices[i];
        device.facts = &facts[i];
        device.system = state.get();
        device.backends = joined(facts[i].backends);
        state->by_id.push_back(&device);
    }
    std::sort(state->by_id.begin(), state->by_id.end(),
              [](const auto *a, const auto *b) { return a->facts->id < b->facts->id; });
    for (hwa_device_t &device : state->devices)
        device.parent = state->find(device.facts->parent);
    return state;
}

} // namespace hwa::capi
