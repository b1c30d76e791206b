// SPDX-License-Identifier: MIT
// Intel QuickAssist by the device ids of Linux drivers/crypto/intel/qat. Documents: Linux
// Documentation/ABI/testing/sysfs-driver-qat and sysfs-driver-qat_rl; README of intel/qatlib, which
// works on virtual functions bound to vfio-pci and with the kernel's own drivers alone.
#include "detect/families.h"

#include "base/text.h"
#include "detect/pci_access.h"

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Kind;
using core::Source;

#define QAT(first, last, name, architecture)                                                       \
    { 0x8086, first, last, Kind::Offload, name, architecture }

static constexpr Chip chips[] = {
    QAT(0x0435, 0x0435, "Intel QuickAssist DH895xCC", "dh895xcc"),
    QAT(0x0443, 0x0443, "Intel QuickAssist DH895xCC VF", "dh895xcc"),
    QAT(0x18a0, 0x18a0, "Intel QuickAssist C4xxx", "c4xxx"),
    QAT(0x18a1, 0x18a1, "Intel QuickAssist C4xxx VF", "c4xxx"),
    QAT(0x18ee, 0x18ee, "Intel QuickAssist 200xx", "200xx"),
    QAT(0x18ef, 0x18ef, "Intel QuickAssist 200xx VF", "200xx"),
    QAT(0x19e2, 0x19e2, "Intel QuickAssist C3xxx", "c3xxx"),
    QAT(0x19e3, 0x19e3, "Intel QuickAssist C3xxx VF", "c3xxx"),
    QAT(0x37c8, 0x37c8, "Intel QuickAssist C62x", "c62x"),
    QAT(0x37c9, 0x37c9, "Intel QuickAssist C62x VF", "c62x"),
    QAT(0x4940, 0x4940, "Intel QuickAssist 4xxx", "4xxx"),
    QAT(0x4941, 0x4941, "Intel QuickAssist 4xxx VF", "4xxx"),
    QAT(0x4942, 0x4942, "Intel QuickAssist 401xx", "4xxx"),
    QAT(0x4943, 0x4943, "Intel QuickAssist 401xx VF", "4xxx"),
    QAT(0x4944, 0x4944, "Intel QuickAssist 402xx", "4xxx"),
    QAT(0x4945, 0x4945, "Intel QuickAssist 402xx VF", "4xxx"),
    QAT(0x4946, 0x4946, "Intel QuickAssist 420xx", "420xx"),
    QAT(0x4947, 0x4947, "Intel QuickAssist 420xx VF", "420xx"),
    QAT(0x4948, 0x4948, "Intel QuickAssist 6xxx", "6xxx"),
    QAT(0x4949, 0x4949, "Intel QuickAssist 6xxx VF", "6xxx"),
    QAT(0x6f54, 0x6f54, "Intel QuickAssist D15xx", "d15xx"),
    QAT(0x6f55, 0x6f55, "Intel QuickAssist D15xx VF", "d15xx"),
};

#undef QAT

static void put_text(Device &device, const char *key, std::string value) {
    if (!value.empty())
        device.put_attr(core::attr_text(key, std::move(value), Source::Kernel));
}

/// True for the generations whose drivers in the kernel have had the folder since Linux 6.0.
static bool has_folder(const PciSubject &subject) {
    const std::string release = subject.host.kernel().release;
    const auto major = base::parse_u64(release.substr(0, release.find('.'))).value_or(0);
    return major >= 6 && subject.function.device >= 0x4940 && subject.function.device <= 0x4949;
}

/// Virtual functions follow their physical ones in odd numbers, but for the oldest.
static bool is_virtual(const PciSubject &subject) {
    const uint32_t device = subject.function.device;
    return device == 0x0443 || (device != 0x0435 && device % 2 != 0);
}

static void describe_whole(const PciSubject &subject, Device &device) {
    const std::string state = subject.text("qat/state");
    if (state != "up" && state != "down") {
        if (has_folder(subject) && !subject.host.exists(subject.path("qat")))
            put_text(device, "qat.stack", "out of tree");
        device.access_message = "programs reach it through its virtual functions or a driver that "
                                "is not of the kernel";
        return;
    }
    put_text(device, "qat.stack", "kernel");
    put_text(device, "qat.state", state);
    if (std::string services = subject.text("qat/cfg_services");
        services.find_first_not_of("abcdefghijklmnopqrstuvwxyz;") == std::string::npos)
        put_text(device, "qat.services", std::move(services));
    if (const auto pairs = subject.number("qat/num_rps"); pairs && *pairs != 0 && *pairs < 65536)
        device.put_attr(
            core::attr_int("qat.ring_pairs", static_cast<int64_t>(*pairs), Source::Kernel));
    device.access = Status::Unavailable;
    device.access_message =
        state == "up" ? "the kernel has it; programs reach it through its virtual functions, bound "
                        "to vfio-pci"
                      : "it is switched off: its state is " + state;
}

static void describe(const PciSubject &subject, Device &device) {
    const std::string &driver = subject.function.driver;
    if (driver.empty() || driver == "vfio-pci" || driver == "pci-stub")
        return;
    if (!is_virtual(subject))
        return describe_whole(subject, device);
    device.access = Status::Unavailable;
    device.access_message = "the kernel has it; vfio-pci would hand it to programs";
}

constexpr Family qat_family = {"the qat driver of its generation", chips, nullptr, vfio_node,
                               describe};

} // namespace hwa::detect
