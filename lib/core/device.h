// SPDX-License-Identifier: MIT
// Device: what is known of one device, each fact with where it comes from.
#pragma once

#include "base/status.h"
#include "core/dtype.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::core {

/// The values of hwa_source_t, in falling order of trust.
enum class Source : int32_t {
    Unknown = 0,
    Measured = 1,
    Driver = 2,
    Kernel = 3,
    Table = 4,
    Derived = 5
};

/// The values of hwa_kind_t.
enum class Kind : int32_t {
    Unknown = 0,
    Cpu = 1,
    Gpu = 2,
    Npu = 3,
    Tpu = 4,
    Asic = 5,
    Fpga = 6,
    Dpu = 7,
    Offload = 8,
};

/// The bits of hwa_device_flag_t.
enum DeviceFlag : uint32_t {
    DeviceUsable = 1 << 0,
    DeviceIntegrated = 1 << 1,
    DevicePartition = 1 << 2,
    DeviceSoftware = 1 << 3,
};

enum class MemoryKind : int32_t { Unknown = 0, Ddr = 1, Gddr = 2, Hbm = 3, Sram = 4 };

enum class MemoryRole : int32_t {
    Unknown = 0,
    Dedicated = 1,
    Carveout = 2,
    Shared = 3,
    Unified = 4,
    Cache = 5,
};

enum class Support : int32_t { Unknown = 0, None = 1, Storage = 2, Native = 3 };

enum class AttrType : int32_t { None = 0, Int = 1, Real = 2, Text = 3 };

/// A value and where it comes from; the default value is the unknown.
template <class T> struct Fact {
    T value{};
    Source source = Source::Unknown;

    /// Takes a value unless a more trusted source has spoken already.
    void offer(T offered, Source from) {
        if (source == Source::Unknown || from < source) {
            value = std::move(offered);
            source = from;
        }
    }
};

/// A named value without a field of its own.
struct Attr {
    std::string key; ///< dotted, such as "cuda.compute_capability"
    AttrType type = AttrType::None;
    Source source = Source::Unknown;
    int64_t i = 0;
    double r = 0;
    std::string s;
};

Attr attr_int(std::string key, int64_t value, Source source);
Attr attr_real(std::string key, double value, Source source);
Attr attr_text(std::string key, std::string value, Source source);

/// A memory of a device.
struct Memory {
    MemoryKind kind = MemoryKind::Unknown;
    MemoryRole role = MemoryRole::Unknown;
    Fact<uint64_t> size_bytes;
    uint64_t usable_bytes = 0; ///< less what firmware, ECC and limits take
    Fact<uint64_t> bytes_per_second;
    uint32_t bus_bits = 0;
    std::string name; ///< "HBM3e", "L2"
};

/// Skill in one number format.
struct Compute {
    Dtype dtype = Dtype::Unknown;
    Support support = Support::Unknown;
    double ops_per_second = 0; ///< dense peak; a multiply-add is two
    double sparse_ops_per_second = 0;
    Source source = Source::Unknown;
};

/// One way to run work on a device, or why it cannot be used.
struct Runtime {
    std::string name; ///< "cpu", "opencl"
    base::Status status = base::Status::Ok;
    uint32_t flags = 0;     ///< BackendFlag
    uint32_t code_mask = 0; ///< 1 << hwa_code_t
    std::string native_id;  ///< the runtime's own name for the device
    std::string version;
    std::string message;
    std::string device_name{}; ///< as the runtime spells it, where it showed the device
    std::string device_uuid{}; ///< as the runtime tells it, 32 hex digits
};

/// One device. Text that is empty and numbers that are 0 are not known.
struct Device {
    std::string id;     ///< stable over reboots: "pci-0000:c1:00.0", "cpu-0"
    std::string parent; ///< id of the device this is a part of, or ""
    Kind kind = Kind::Unknown;
    uint32_t flags = 0; ///< DeviceFlag
    base::Status access = base::Status::Ok;
    std::string access_message; ///< what to do about it
    Fact<std::string> name;
    Fact<std::string> vendor;
    Fact<std::string> architecture;
    Fact<std::string> driver;
    Fact<int32_t> numa_node{-1, Source::Unknown};
    Fact<uint32_t> pci_vendor;
    Fact<uint32_t> pci_device;
    Fact<uint32_t> compute_units;
    Fact<uint32_t> power_limit_mw;
    Fact<uint64_t> clock_hz;
    std::vector<Memory> memories;      ///< the main one first
    std::vector<Compute> compute;      ///< by dtype, ascending
    std::vector<Runtime> runtimes;     ///< best first
    std::vector<Attr> attrs;           ///< by key, ascending
    std::vector<std::string> backends; ///< those that vouch for it
    std::string uuid;                  ///< of the driver, 32 hex digits, or ""; for merging

    uint64_t memory_bytes() const { return memories.empty() ? 0 : memories[0].size_bytes.value; }
    uint64_t bytes_per_second() const {
        return memories.empty() ? 0 : memories[0].bytes_per_second.value;
    }
    const Compute *find_compute(Dtype dtype) const;
    const Attr *find_attr(std::string_view key) const;
    /// Puts an attribute in its place; a key that is there already keeps its more trusted value.
    void put_attr(Attr attr);
    void put_compute(Compute compute);
};

/// The attribute of that key in a list ordered by key, or NULL.
const Attr *find_attr(const std::vector<Attr> &attrs, std::string_view key);
void put_attr(std::vector<Attr> &attrs, Attr attr);

const char *kind_name(Kind kind);
Kind kind_from_name(std::string_view name);

} // namespace hwa::core
