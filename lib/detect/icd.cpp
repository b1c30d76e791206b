// SPDX-License-Identifier: MIT
// The search paths of the Khronos loaders and of ocl-icd. Documents: LoaderDriverInterface.md of
// the Vulkan loader, section "Linux Driver Discovery"; README of the OpenCL ICD loader; ocl-icd(7).
#include "detect/icd.h"

#include "base/text.h"

#include <string>
#include <string_view>
#include <vector>

namespace hwa::detect {

static std::string value(const os::Host &host, const char *name) {
    return host.environment(name).value_or(std::string());
}

/// Mesa's drivers for hardware, by how the names of their manifests begin. All of them find their
/// devices through /dev/dri and nowhere else, and loading each takes milliseconds.
static constexpr std::string_view drm_drivers[] = {
    "asahi_icd",    "broadcom_icd",     "intel_hasvk_icd", "intel_icd",  "nouveau_icd",
    "panfrost_icd", "powervr_mesa_icd", "radeon_icd",      "virtio_icd",
};

static bool has_drm(const os::Host &host) {
    return host.exists("/dev/dri");
}

static bool needs_drm(std::string_view manifest) {
    for (const std::string_view row : drm_drivers)
        if (manifest.starts_with(row))
            return true;
    return false;
}

/// True if the folder has a file of that ending which `counts`.
template <class Counts>
static bool any_file(const os::Host &host, const std::string &folder, std::string_view ending,
                     Counts &&counts) {
    const auto names = host.list(folder);
    if (!names)
        return false;
    for (const std::string &name : *names)
        if (name.size() > ending.size() && name.ends_with(ending) && counts(name))
            return true;
    return false;
}

/// Adds the folder `suffix` below each folder of a list with colons.
static void add_folders(std::vector<std::string> &folders, std::string_view list,
                        const char *suffix) {
    for (const std::string_view folder : base::split(list, ':'))
        if (!folder.empty())
            folders.push_back(std::string(folder) + suffix);
}

bool vulkan_manifests(const os::Host &host, const core::System &) {
    for (const char *name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES"})
        if (!value(host, name).empty())
            return true;
    static constexpr const char *suffix = "/vulkan/icd.d";
    const std::string home = value(host, "HOME");
    std::vector<std::string> folders = {"/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d",
                                        "/usr/local/share/vulkan/icd.d"};
    for (const char *name :
         {"XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS"})
        add_folders(folders, value(host, name), suffix);
    folders.push_back(std::string("/etc/xdg") + suffix);
    folders.push_back(std::string("/usr/local/etc") + suffix);
    if (!home.empty()) {
        folders.push_back(home + "/.config" + suffix);
        folders.push_back(home + "/.local/share" + suffix);
    }
    const bool drm = has_drm(host);
    const auto counts = [&](std::string_view name) { return drm || !needs_drm(name); };
    for (const std::string &folder : folders)
        if (any_file(host, folder, ".json", counts))
            return true;
    return !value(host, "VK_ADD_DRIVER_FILES").empty();
}

std::string vulkan_setting(const os::Host &host) {
    // What the user has set decides alone.
    for (const char *name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES",
                             "VK_LOADER_DRIVERS_SELECT", "VK_LOADER_DRIVERS_DISABLE"})
        if (!value(host, name).empty())
            return {};
    if (has_drm(host))
        return {};
    std::string list;
    for (const std::string_view row : drm_drivers)
        list.append(list.empty() ? "" : ",").append(row).append("*");
    return "VK_LOADER_DRIVERS_DISABLE=" + list;
}

std::string no_setting(const os::Host &) {
    return {};
}

bool opencl_manifests(const os::Host &host, const core::System &) {
    const auto any = [](std::string_view) { return true; };
    if (!value(host, "OCL_ICD_FILENAMES").empty())
        return true;
    for (const char *name : {"OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"}) {
        // A folder of manifests, one manifest, or a driver itself.
        const std::string path = value(host, name);
        if (!path.empty())
            return any_file(host, path, ".icd", any) || path.ends_with(".icd") ||
                   path.find(".so") != std::string::npos;
    }
    return any_file(host, "/etc/OpenCL/vendors", ".icd", any);
}

} // namespace hwa::detect
