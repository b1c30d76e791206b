// SPDX-License-Identifier: MIT
// Files of /sys/class/kfd/kfd/topology: a name and a number on each line.
#include "detect/kfd.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace hwa::detect {

using os::Host;

static constexpr const char *nodes_folder = "/sys/class/kfd/kfd/topology/nodes";
static constexpr size_t node_limit = 1024;
static constexpr uint32_t link_limit = 1024;
static constexpr uint64_t sane_bytes = uint64_t{1} << 50;
static constexpr uint64_t sane_mhz = 100000;

namespace {

/// The lines of one such file.
class Properties {
  public:
    explicit Properties(std::string text) : text_(std::move(text)) {}

    std::optional<uint64_t> find(std::string_view name) const {
        for (const std::string_view line : base::split(text_, '\n'))
            if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
                return base::parse_u64(base::trim(line.substr(name.size())));
        return std::nullopt;
    }
    /// The number behind a name; 0 if it is not there or is more than `limit`.
    uint64_t get(std::string_view name, uint64_t limit = UINT64_MAX) const {
        const uint64_t value = find(name).value_or(0);
        return value <= limit ? value : 0;
    }
    uint32_t get32(std::string_view name, uint32_t limit = UINT32_MAX) const {
        return static_cast<uint32_t>(get(name, limit));
    }

  private:
    std::string text_;
};

} // namespace

/// The address by domain and bus << 8 | function. Bits 31 to 28 are the partition on kernels that
/// do not put it into the function's bits.
static void place(const Properties &properties, KfdNode &node) {
    const uint32_t location = properties.get32("location_id");
    node.partition = location >> 28;
    node.address = base::format("%04x:%02x:%02x.%x", properties.get32("domain"),
                                location >> 8 & 0xff, location >> 3 & 0x1f, location & 7);
}

/// A node that computes; nothing for a processor.
static std::optional<KfdNode> read_node(uint32_t number, const Properties &properties) {
    const uint32_t simds = properties.get32("simd_count");
    if (simds == 0)
        return std::nullopt;
    KfdNode node;
    node.number = number;
    place(properties, node);
    node.gfx = properties.get32("gfx_target_version", 999999);
    if (const uint32_t each = properties.get32("simd_per_cu"); each != 0)
        node.units = simds / each;
    node.xccs = properties.get32("num_xcc", 1024);
    node.clock_mhz = properties.get32("max_engine_clk_fcompute", sane_mhz);
    node.render_minor = properties.get32("drm_render_minor");
    node.hive = properties.get("hive_id");
    node.unique_id = properties.get("unique_id");
    node.bank_count = properties.get32("mem_banks_count");
    node.link_count = properties.get32("io_links_count", link_limit);
    node.peer_count = properties.get32("p2p_links_count", link_limit);
    return node;
}

KfdTopology read_kfd(const Host &host) {
    KfdTopology topology;
    const auto names = host.list(nodes_folder, node_limit);
    std::vector<uint32_t> numbers;
    for (const std::string &name : names ? *names : std::vector<std::string>())
        if (const auto number = base::parse_u64(name); number && *number < UINT32_MAX)
            numbers.push_back(static_cast<uint32_t>(*number));
    std::sort(numbers.begin(), numbers.end());
    bool in_order = true;
    for (const uint32_t number : numbers) {
        auto text = host.read_file(base::format("%s/%u/properties", nodes_folder, number));
        // HIP passes over a node that is hidden from it, too.
        if (!text && text.error().status == base::Status::Denied) {
            ++topology.denied;
            continue;
        }
        const Properties properties(text ? std::move(*text) : std::string());
        in_order = in_order && properties.find("simd_count");
        auto node = read_node(number, properties);
        if (!node)
            continue;
        if (in_order)
            node->ordinal = static_cast<int32_t>(topology.nodes.size());
        topology.nodes.push_back(std::move(*node));
    }
    return topology;
}

static Properties read_part(const Host &host, const KfdNode &node, const char *kind, uint32_t at) {
    auto text =
        host.read_file(base::format("%s/%u/%s/%u/properties", nodes_folder, node.number, kind, at));
    return Properties(text ? std::move(*text) : std::string());
}

KfdBank kfd_bank(const Host &host, const KfdNode &node) {
    if (node.bank_count == 0)
        return {};
    const Properties properties = read_part(host, node, "mem_banks", 0);
    KfdBank bank;
    bank.bytes = properties.get("size_in_bytes", sane_bytes);
    bank.bits = properties.get32("width", 65536);
    bank.clock_mhz = properties.get32("mem_clk_max", sane_mhz);
    return bank;
}

/// Appends the links of one kind. Each node lists those to lower numbers first, so the rest of the
/// list, which the other node has too, need not be read.
static void append_links(const Host &host, const KfdNode &node, const char *kind, uint32_t count,
                         std::vector<KfdLink> &links) {
    constexpr uint32_t type_xgmi = 11;
    uint32_t bad_left = 8; // a count that the files do not bear out is not followed for long
    for (uint32_t at = count; at > 0 && bad_left > 0; --at) {
        const Properties properties = read_part(host, node, kind, at - 1);
        const auto to = properties.find("node_to");
        if (!to || *to > UINT32_MAX) {
            --bad_left;
            continue;
        }
        if (*to <= node.number)
            return;
        const uint64_t megabytes = properties.get("max_bandwidth", UINT32_MAX);
        links.push_back({static_cast<uint32_t>(*to), properties.get32("type") == type_xgmi,
                         megabytes * 1000000});
    }
}

std::vector<KfdLink> kfd_links(const Host &host, const KfdNode &node) {
    std::vector<KfdLink> links;
    if (node.hive != 0) // others have one link, to the processor
        append_links(host, node, "io_links", node.link_count, links);
    append_links(host, node, "p2p_links", node.peer_count, links);
    return links;
}

} // namespace hwa::detect
