// SPDX-License-Identifier: MIT
// Match: from what only one device can have down to what twins share.
#include "launch/match.h"

#include "base/text.h"
#include "data/visibility.h"
#include "os/environment.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace hwa::launch {

using base::Status;

namespace {

/// What detection knows of the device; what it does not is empty or 0.
struct Wanted {
    std::string uuid;
    std::string pci;
    uint32_t render_minor = 0;
    uint32_t pci_vendor = 0;
    uint32_t pci_device = 0;
    std::string name;
    std::string index;
};

/// The devices that may still be the one, by their places.
struct Choice {
    std::span<const Shown> shown;
    std::vector<size_t> left;

    /// Keeps those that have this value, else those that do not tell. True if exactly one has it.
    template <class T> bool keep(const T &value, const T Shown::*fact) {
        if (value == T{})
            return false;
        const auto lacks = [this, fact](const T &wanted) {
            return [this, fact, wanted](size_t at) { return shown[at].*fact != wanted; };
        };
        std::vector<size_t> equal = left;
        std::erase_if(equal, lacks(value));
        if (equal.empty())
            std::erase_if(left, lacks(T{}));
        else
            left = std::move(equal);
        return left.size() == 1 && shown[left[0]].*fact == value;
    }
};

} // namespace

/// The minor number in "226:128".
static uint32_t render_minor(const core::Device &device) {
    const core::Attr *attr = device.find_attr("vulkan.render_node");
    if (attr == nullptr)
        return 0;
    const size_t colon = attr->s.find(':');
    if (colon == std::string::npos)
        return 0;
    const auto minor = base::parse_u64(std::string_view(attr->s).substr(colon + 1));
    return minor && *minor <= UINT32_MAX ? static_cast<uint32_t>(*minor) : 0;
}

static Wanted wanted_of(const core::Device &device, const core::Runtime &runtime) {
    static constexpr std::string_view on_bus = "pci-";
    Wanted wanted;
    wanted.uuid = runtime.device_uuid;
    if (device.id.starts_with(on_bus))
        wanted.pci = device.id.substr(on_bus.size());
    wanted.render_minor = render_minor(device);
    wanted.pci_vendor = device.pci_vendor.value;
    wanted.pci_device = device.pci_device.value;
    wanted.name = runtime.device_name.empty() ? device.name.value : runtime.device_name;
    wanted.index = runtime.native_id;
    return wanted;
}

static std::string list(std::span<const Shown> shown, const std::vector<size_t> &places) {
    std::string text;
    for (const size_t at : places)
        text += (text.empty() ? "" : ", ") + shown[at].index + " '" + shown[at].name + "'";
    return text;
}

static base::Error absent(const core::Runtime &runtime, const Wanted &wanted,
                          std::span<const Shown> shown, const std::string &environment) {
    std::vector<size_t> all(shown.size());
    for (size_t i = 0; i < all.size(); ++i)
        all[i] = i;
    const std::string where = wanted.pci.empty() ? "" : " at " + wanted.pci;
    std::string text =
        base::format("%s shows no '%s'%s, but %s", runtime.name.c_str(), wanted.name.c_str(),
                     where.c_str(), all.empty() ? "nothing at all" : list(shown, all).c_str());
    if (!environment.empty())
        text += "; what hides it may be the environment, where " + environment;
    return base::error(Status::Unavailable, "%s", text.c_str());
}

/// The index counts only while the drivers are steered as they were when detection asked them.
static base::Result<size_t> choose(const core::Device &device, const core::Runtime &runtime,
                                   std::span<const Shown> shown) {
    const Wanted wanted = wanted_of(device, runtime);
    Choice choice{shown, {}};
    for (size_t i = 0; i < shown.size(); ++i)
        choice.left.push_back(i);
    if (choice.keep(wanted.uuid, &Shown::uuid) || choice.keep(wanted.pci, &Shown::pci) ||
        choice.keep(wanted.render_minor, &Shown::render_minor))
        return choice.left[0];
    choice.keep(wanted.pci_vendor, &Shown::pci_vendor);
    choice.keep(wanted.pci_device, &Shown::pci_device);
    choice.keep(wanted.name, &Shown::name);
    if (choice.left.size() == 1)
        return choice.left[0];
    const std::string environment = data::visibility_text(runtime.name, os::environment_variable);
    if (choice.left.empty())
        return absent(runtime, wanted, shown, environment);
    const core::Attr *then = device.find_attr(runtime.name + ".environment");
    if (environment == (then == nullptr ? "" : then->s))
        for (const size_t at : choice.left)
            if (shown[at].index == wanted.index)
                return at;
    return base::error(Status::Ambiguous, "%s cannot tell which of these is %s: %s",
                       runtime.name.c_str(), device.id.c_str(), list(shown, choice.left).c_str());
}

base::Result<size_t> match_device(const core::Device &device, const core::Runtime &runtime,
                                  std::span<const Shown> shown) {
    auto place = choose(device, runtime, shown);
    if (!place)
        place.error().backend = runtime.name;
    return place;
}

} // namespace hwa::launch
