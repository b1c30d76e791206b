// SPDX-License-Identifier: MIT
// Rockchip's NPUs: one node and a DRM device with the vendor's driver, one node for each core and
// an accel device of all with the kernel's. Documents: the vendor kernel's
// drivers/rknpu/rknpu_drv.c (names, cores of each chip), Linux
// Documentation/devicetree/bindings/npu/ rockchip,rk3588-rknn-core.yaml and
// drivers/accel/rocket/rocket_drv.c.
#include "detect/families.h"

#include "detect/soc.h"

namespace hwa::detect {

using core::Kind;

static constexpr Engine vendor_engines[] = {
    {"rockchip,rk3562-rknpu", Kind::Npu, "Rockchip RK3562 NPU", "rknpu", 1},
    // Device trees of the RK3566 use the second name.
    {"rockchip,rk3566-rknpu", Kind::Npu, "Rockchip RK3566 NPU", "rknpu", 1},
    {"rockchip,rk3568-rknpu", Kind::Npu, "Rockchip RK356x NPU", "rknpu", 1},
    {"rockchip,rk3576-rknpu", Kind::Npu, "Rockchip RK3576 NPU", "rknpu", 2},
    {"rockchip,rk3588-rknpu", Kind::Npu, "Rockchip RK3588 NPU", "rknpu", 3},
    {"rockchip,rv1106-rknpu", Kind::Npu, "Rockchip RV1106 NPU", "rknpu", 1},
};

static constexpr Engine cores[] = {
    {"rockchip,rk3568-rknn-core", Kind::Npu, "Rockchip RK356x NPU", "rknpu"},
    {"rockchip,rk3588-rknn-core", Kind::Npu, "Rockchip RK3588 NPU", "rknpu"},
};

/// rocket registers one device for all cores, which it calls "rknn".
static std::string rocket_node(const SocSubject &subject) {
    return virtual_node(subject.host, "rknn", false);
}

static constexpr SocFamily vendor_family = {"rockchip", "rknpu", vendor_engines};
static constexpr SocFamily core_family = {"rockchip",  "rocket", cores,
                                          rocket_node, nullptr,  Nodes::Cores};

base::Done find_rockchip(const Machine &machine, core::System &system) {
    find_soc(machine, "rockchip", vendor_family, system);
    find_soc(machine, "rockchip", core_family, system);
    return {};
}

} // namespace hwa::detect
