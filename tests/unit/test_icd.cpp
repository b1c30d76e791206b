// SPDX-License-Identifier: MIT
// detect/icd: a driver tier is worth its while when a loader would find a driver that can matter.
#include "check.h"

#include "detect/icd.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace hwa;

/// A tree of empty files below a folder of its own.
class Tree {
  public:
    Tree() {
        char name[] = "/tmp/hwa-icd-XXXXXX";
        assert_non_null(::mkdtemp(name));
        root_ = name;
    }
    ~Tree() { std::filesystem::remove_all(root_); }
    void put(const std::string &path) const {
        const std::filesystem::path full = root_ + path;
        std::filesystem::create_directories(full.parent_path());
        std::ofstream(full) << "";
    }
    std::unique_ptr<os::Host> host() const {
        auto host = os::tree_host(root_);
        assert_true(static_cast<bool>(host));
        return std::move(*host);
    }

  private:
    std::string root_;
};

static const core::System nothing;

static void no_manifest_no_question(void **) {
    const Tree tree;
    tree.put("/etc/OpenCL/vendors/README");
    tree.put("/usr/share/vulkan/icd.d/notes.txt");
    assert_false(detect::vulkan_manifests(*tree.host(), nothing));
    assert_false(detect::opencl_manifests(*tree.host(), nothing));
}

static void any_place_of_the_loaders(void **) {
    for (const char *path :
         {"/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "/etc/vulkan/icd.d/nvidia_icd.json",
          "/usr/local/share/vulkan/icd.d/amd_icd64.json"}) {
        const Tree tree;
        tree.put(path);
        assert_true(detect::vulkan_manifests(*tree.host(), nothing));
    }
    const Tree tree;
    tree.put("/etc/OpenCL/vendors/pocl.icd");
    assert_true(detect::opencl_manifests(*tree.host(), nothing));
}

static void drivers_of_drm_need_drm(void **) {
    const Tree tree;
    tree.put("/usr/share/vulkan/icd.d/radeon_icd.x86_64.json");
    tree.put("/usr/share/vulkan/icd.d/intel_hasvk_icd.x86_64.json");
    assert_false(detect::vulkan_manifests(*tree.host(), nothing));
    const std::string setting = detect::vulkan_setting(*tree.host());
    assert_true(setting.starts_with("VK_LOADER_DRIVERS_DISABLE="));
    assert_true(setting.find("radeon_icd*") != std::string::npos);
    tree.put("/dev/dri/renderD128");
    assert_true(detect::vulkan_manifests(*tree.host(), nothing));
    assert_string_equal(detect::vulkan_setting(*tree.host()).c_str(), "");
}

static void the_user_decides(void **) {
    const auto live = os::live_host();
    ::setenv("VK_DRIVER_FILES", "/somewhere/driver.json", 1);
    ::setenv("OCL_ICD_VENDORS", "/somewhere/driver.icd", 1);
    assert_true(detect::vulkan_manifests(*live, nothing));
    assert_true(detect::opencl_manifests(*live, nothing));
    assert_string_equal(detect::vulkan_setting(*live).c_str(), "");
    ::setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
    assert_false(detect::opencl_manifests(*live, nothing));
    ::unsetenv("VK_DRIVER_FILES");
    ::unsetenv("OCL_ICD_VENDORS");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(no_manifest_no_question),
        cmocka_unit_test(any_place_of_the_loaders),
        cmocka_unit_test(drivers_of_drm_need_drm),
        cmocka_unit_test(the_user_decides),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
