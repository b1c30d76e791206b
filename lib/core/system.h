// SPDX-License-Identifier: MIT
// System: a machine at one moment; devices, links between them, and what each backend did.
#pragma once

#include "core/device.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::core {

/// The values of hwa_outcome_t.
enum class Outcome : int32_t {
    Unknown = 0,
    Found = 1,
    Absent = 2,
    Skipped = 3,
    Missing = 4,
    Denied = 5,
    Timeout = 6,
    Crashed = 7,
    Exited = 8,
    Garbage = 9,
    Starved = 10,
    Failed = 11,
};

/// The bits of hwa_backend_flag_t.
enum BackendFlag : uint32_t {
    BackendDetects = 1 << 0,
    BackendRunsKernels = 1 << 1,
    BackendRunsOps = 1 << 2,
    BackendRunsModels = 1 << 3,
};

/// What one backend did and why.
struct Backend {
    std::string name;
    Outcome outcome = Outcome::Unknown;
    uint32_t flags = 0; ///< BackendFlag
    uint32_t device_count = 0;
    uint64_t elapsed_ns = 0;
    std::string version; ///< of the driver or library behind it
    std::string library; ///< path that was loaded
    std::string stage;   ///< the foreign call under way when it went wrong
    std::string message; ///< when it did not end in Found
};

enum class LinkKind : int32_t {
    Unknown = 0,
    Onchip = 1,
    Fabric = 2,
    Pcie = 3,
    Socket = 4,
    Network = 5
};

/// The bits of hwa_link_flag_t.
enum LinkFlag : uint32_t { LinkPeerAccess = 1 << 0, LinkCoherent = 1 << 1 };

/// The best path between two devices, named by their ids.
struct Link {
    LinkKind kind = LinkKind::Unknown;
    std::string a;
    std::string b;
    uint64_t bytes_per_second = 0; ///< each way
    uint32_t latency_ns = 0;
    uint32_t flags = 0; ///< LinkFlag
    std::string name;
    Source source = Source::Unknown;
};

/// The bits of hwa_system_flag_t.
enum SystemFlag : uint32_t {
    SystemLive = 1 << 0,
    SystemContained = 1 << 1,
    SystemVirtual = 1 << 2
};

/// A whole machine. Order of devices, links and backends is part of the snapshot.
struct System {
    uint32_t flags = 0; ///< SystemFlag
    std::string platform;
    std::string catalog_name;
    double usd_per_hour = 0;
    uint64_t memory_bytes = 0; ///< of the host
    uint32_t numa_count = 0;
    std::vector<Device> devices;
    std::vector<Link> links;
    std::vector<Backend> backends;
    std::vector<Attr> attrs;        ///< by key, ascending
    std::vector<std::string> notes; ///< what was odd about a document it was read from

    const Device *find_device(std::string_view id) const;
    Device *find_device(std::string_view id);
    void put_attr(Attr attr) { core::put_attr(attrs, std::move(attr)); }
};

const char *outcome_name(Outcome outcome);
Outcome outcome_from_name(std::string_view name);

/// Puts devices and links into their order: accelerators before CPUs before software devices,
/// better ones first, then by id; links fastest first.
void order(System &system);

} // namespace hwa::core
