// SPDX-License-Identifier: MIT
// XRT as a witness: cards with FPGAs and neural engines as AMD's runtime shows them. Until version
// 2.16 it lists cards and tells of each; later ones open a device by its place, and tell which
// image is loaded. Neither loads an image, nor takes a context: any other process keeps the device.
//
// Document: XRT documentation, "XRT Native APIs" and "XRT Core Library"; src/runtime_src/core/pcie/
// linux/shim.cpp for what each value comes from.
#include "detect/xrt.h"

#include "api/xrt.h"
#include "base/text.h"
#include "base/units.h"
#include "detect/frames.h"
#include "detect/witness.h"

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Kind;
using core::Source;

static constexpr struct {
    const char *name;
    Kind kind;
} drivers[] = {{"xocl", Kind::Fpga}, {"amdxdna", Kind::Npu}};

bool xrt_wanted(const os::Host &, const core::System &system) {
    bool any = false;
    for (const Device &device : system.devices) {
        bool driven = false;
        for (const auto &driver : drivers)
            driven = driven || device.driver.value == driver.name;
        const core::Attr *power = device.find_attr("power.runtime_status");
        if (driven && power != nullptr && power->s == "suspended")
            return false;
        any = any || driven;
    }
    return any;
}

/// "2.13.0" of a library that is a link to libxrt_core.so.2.13.0, as all packages have it: no
/// function tells it.
static std::string version_of(const os::Host &host, const std::string &library) {
    constexpr std::string_view so = ".so.";
    const auto target = host.read_link(library);
    if (!target)
        return {};
    const size_t at = target->rfind(so);
    std::string version = at == std::string::npos ? "" : target->substr(at + so.size());
    if (version.find_first_not_of("0123456789.") != std::string::npos ||
        version.find('.') == std::string::npos)
        return {};
    return version;
}

/// Which image is loaded, as XRT's tools write it; nothing if none is.
static void put_image(const api::Xrt &xrt, xrtDeviceHandle handle, Device &device) {
    xuid_t image = {};
    if (xrt.xrtDeviceGetXclbinUUID(handle, image) != 0)
        return;
    std::string text = uuid_text(image);
    if (text.empty())
        return;
    for (const size_t dash : {20u, 16u, 12u, 8u})
        text.insert(dash, "-");
    device.put_attr(core::attr_text("xrt.xclbin", std::move(text), Source::Driver));
}

static xrtDeviceHandle open_at(const api::Xrt &xrt, const std::string &address,
                               Findings &findings) {
    findings.stage("xrtDeviceOpenByBDF");
    return xrt.xrtDeviceOpenByBDF(address.c_str());
}

static void ask_image(const api::Xrt &xrt, xrtDeviceHandle handle, Device &device,
                      Findings &findings) {
    findings.stage("xrtDeviceGetXclbinUUID");
    put_image(xrt, handle, device);
    findings.stage("xrtDeviceClose");
    (void)xrt.xrtDeviceClose(handle);
}

static void put_memory(const xclDeviceInfo2 &told, Device &device) {
    constexpr unsigned most_banks = 64;
    constexpr uint64_t most_bytes = 64 * 1024 * base::GiB;
    if (told.mDDRBankCount == 0 || told.mDDRBankCount > most_banks || told.mDDRSize == 0 ||
        told.mDDRSize > most_bytes)
        return;
    core::Memory memory;
    memory.kind = core::MemoryKind::Ddr;
    memory.role = core::MemoryRole::Dedicated;
    memory.size_bytes.offer(told.mDDRSize, Source::Driver);
    device.memories.push_back(std::move(memory));
    device.put_attr(core::attr_int("xrt.ddr_banks", told.mDDRBankCount, Source::Driver));
}

/// Where a value could not be read, all its bits are set.
static constexpr unsigned short unread = 0xffff;

static void describe(const xclDeviceInfo2 &told, Device &device) {
    device.kind = Kind::Fpga;
    name_vendor(device, told.mVendorId);
    device.pci_vendor.offer(told.mVendorId, Source::Driver);
    device.pci_device.offer(told.mDeviceId, Source::Driver);
    put_memory(told, device);
    const auto text = [&](const char *key, std::span<const char> field) {
        if (std::string value = field_text(field); !value.empty())
            device.put_attr(core::attr_text(key, std::move(value), Source::Driver));
    };
    text("xrt.shell", told.mName);
    text("xrt.fpga", told.mFpga);
    // That of the image that is loaded, so it is no limit of the device.
    const unsigned short mhz = told.mOCLFrequency[0];
    if (mhz != 0 && mhz != unread)
        device.put_attr(
            core::attr_int("xrt.kernel_clock_hz", int64_t{mhz} * 1000000, Source::Driver));
}

static base::Result<xclDeviceInfo2> ask_info(const api::XrtCards &cards, unsigned index,
                                             Findings &findings) {
    findings.stage("xclOpen");
    const xclDeviceHandle handle = cards.xclOpen(index, nullptr, XCL_QUIET);
    if (handle == nullptr)
        return base::error(Status::Unavailable, "xclOpen could not open device %u", index);
    findings.stage("xclGetDeviceInfo2");
    xclDeviceInfo2 told = {};
    const int code = cards.xclGetDeviceInfo2(handle, &told);
    findings.stage("xclClose");
    cards.xclClose(handle);
    if (code != 0) {
        base::Error why = base::error(Status::Driver, "xclGetDeviceInfo2 answered %d", code);
        why.code = code;
        return why;
    }
    // FPGAs on a chip are not on the bus; XRT has constants to say of them.
    if (told.mVendorId == 0 || told.mVendorId == unread || told.mDeviceId == unread)
        return base::error(Status::Unsupported, "device %u is not on the PCI bus", index);
    return told;
}

static base::Done ask_card(const api::Xrt &xrt, const api::XrtCards &cards, unsigned index,
                           Findings &findings) {
    HWA_TRY(const xclDeviceInfo2 told, ask_info(cards, index, findings));
    const unsigned slot = told.mPciSlot;
    Device device;
    device.flags = core::DeviceUsable;
    device.id = pci_id(slot >> 16, slot >> 8 & 0xff, slot >> 3 & 0x1f, slot & 7);
    describe(told, device);
    if (const auto handle = open_at(xrt, device.id.substr(4), findings); handle != nullptr)
        ask_image(xrt, handle, device, findings);
    findings.found(std::move(device));
    return {};
}

namespace {

/// What came of a list of devices of which each may fail: one bad device does not hide the others.
struct Tally {
    base::Done last;
    size_t shown = 0;

    void count(base::Done asked) {
        shown += asked ? 1 : 0;
        if (!asked)
            last = std::move(asked);
    }

    base::Done sum(Findings &findings) {
        if (shown == 0 && !last)
            return std::move(last);
        if (!last)
            findings.warning = last.error().message;
        else if (shown == 0)
            findings.warning = "XRT has no device to show";
        return {};
    }
};

} // namespace

static base::Done ask_cards(const api::Xrt &xrt, const api::XrtCards &cards, Findings &findings) {
    findings.stage("xclProbe");
    const unsigned count = cards.xclProbe();
    if (count > device_limit)
        return base::error(Status::Parse, "xclProbe told of %u devices, which cannot be", count);
    Tally tally;
    for (unsigned i = 0; i < count; ++i)
        tally.count(ask_card(xrt, cards, i, findings));
    return tally.sum(findings);
}

static base::Done ask_place(const api::Xrt &xrt, const std::string &address, Kind kind,
                            Findings &findings) {
    const xrtDeviceHandle handle = open_at(xrt, address, findings);
    if (handle == nullptr)
        return base::error(Status::Unavailable, "xrtDeviceOpenByBDF could not open %s",
                           address.c_str());
    Device device;
    device.flags = core::DeviceUsable;
    device.id = "pci-" + address;
    device.kind = kind;
    ask_image(xrt, handle, device, findings);
    findings.found(std::move(device));
    return {};
}

/// Whatever the kernel's drivers for XRT are bound to.
static base::Done ask_places(const os::Host &host, const api::Xrt &xrt, Findings &findings) {
    Tally tally;
    for (const auto &driver : drivers)
        if (const auto names = host.list(std::string("/sys/bus/pci/drivers/") + driver.name))
            for (const std::string &name : *names)
                if (name.find(':') != std::string::npos)
                    tally.count(ask_place(xrt, name, driver.kind, findings));
    return tally.sum(findings);
}

base::Done ask_xrt_of(const os::Host &host, const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::Xrt xrt, api::load_xrt(library_path));
    findings.library = xrt.library.path;
    findings.version = version_of(host, xrt.library.path);
    return xrt.cards ? ask_cards(xrt, *xrt.cards, findings) : ask_places(host, xrt, findings);
}

base::Done ask_xrt(const std::string &library_path, Findings &findings) {
    return ask_xrt_of(*os::live_host(), library_path, findings);
}

} // namespace hwa::detect
