// SPDX-License-Identifier: MIT
// Containers by what their makers leave in them (systemd CONTAINER_INTERFACE; Kubernetes,
// "Accessing the Kubernetes API from a Pod"), clouds by what firmware says of the machine (Linux
// drivers/firmware/dmi-id.c).
#include "detect/surroundings.h"

#include "base/text.h"

namespace hwa::detect {

using core::Source;
using core::System;
using os::Host;

static void put(System &system, const char *key, std::string value) {
    if (!value.empty())
        system.put_attr(core::attr_text(key, std::move(value), Source::Kernel));
}

static std::string line_of(const Host &host, const char *path) {
    const auto text = host.read_file(path, 256);
    return text ? base::legible(*text, 128) : std::string();
}

/// A name of small letters, digits and what else is allowed inside of it; "" if it is none.
static std::string word_of(const Host &host, const char *path, std::string_view inside) {
    std::string text = line_of(host, path);
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    for (const char c : text)
        if (!plain(c) && inside.find(c) == inside.npos)
            return "";
    const bool whole = !text.empty() && text.size() <= 63 && plain(text.front());
    return whole && plain(text.back()) ? text : "";
}

static void find_container(const Host &host, System &system) {
    static constexpr const char *manager = "/run/systemd/container";
    static constexpr const char *account =
        "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    // What speaks to systemd says what it is; Docker and Podman leave empty files.
    const bool docker = host.exists("/.dockerenv");
    const bool podman = host.exists("/run/.containerenv");
    std::string kind = word_of(host, manager, "-_.");
    if (kind.empty())
        kind = docker ? "docker" : podman ? "podman" : "";
    put(system, "container.kind", kind);
    // A label by RFC 1123, as all names of namespaces.
    put(system, "kubernetes.namespace", word_of(host, account, "-"));
    if (docker || podman || host.exists(manager) || host.exists(account))
        system.flags |= core::SystemContained;
}

namespace {

/// How a cloud's firmware gives itself away. A tag is asked only where the maker alone could be
/// anybody's.
struct Cloud {
    const char *vendor;
    const char *tag; ///< of the chassis, or ""
    const char *name;
    bool product_is_instance;
};

} // namespace

static constexpr Cloud clouds[] = {
    {"Amazon EC2", "", "aws", true},
    {"Google", "", "gcp", false},
    {"Microsoft Corporation", "7783-7084-3265-9085-8269-3286-77", "azure", false},
    {"QEMU", "OracleCloud.com", "oracle", false},
    {"Oracle Corporation", "OracleCloud.com", "oracle", false},
    {"Alibaba Cloud", "", "alibaba", false},
    {"Tencent Cloud", "", "tencent", false},
    {"DigitalOcean", "", "digitalocean", false},
    {"Hetzner", "", "hetzner", false},
    {"Scaleway", "", "scaleway", false},
    {"Vultr", "", "vultr", false},
    {"OVHcloud", "", "ovh", false},
};

static const Cloud *find_cloud(const Host &host, const std::string &vendor) {
    std::string tag;
    for (const Cloud &cloud : clouds) {
        if (vendor != cloud.vendor)
            continue;
        if (*cloud.tag == '\0')
            return &cloud;
        if (tag.empty())
            tag = line_of(host, "/sys/class/dmi/id/chassis_asset_tag");
        if (tag == cloud.tag)
            return &cloud;
    }
    return nullptr;
}

static void find_machine(const Host &host, System &system) {
    const std::string vendor = line_of(host, "/sys/class/dmi/id/sys_vendor");
    if (vendor.empty()) {
        // Boards without that firmware have a device tree, whose texts end in a zero byte.
        const auto model = host.read_file("/sys/firmware/devicetree/base/model", 256);
        put(system, "machine.product", model ? base::legible(*model, 128) : std::string());
        return;
    }
    const std::string product = line_of(host, "/sys/class/dmi/id/product_name");
    put(system, "machine.vendor", vendor);
    put(system, "machine.product", product);
    const Cloud *cloud = find_cloud(host, vendor);
    if (cloud == nullptr)
        return;
    put(system, "cloud.provider", cloud->name);
    // A name with a size behind a dot, "p5.48xlarge"; the first machines had "HVM domU".
    if (cloud->product_is_instance && product.find('.') != std::string::npos)
        put(system, "cloud.instance", product);
}

/// A node's name: letters and digits, with dots, dashes and underscores between them (uname(2)).
static void find_name(const Host &host, System &system) {
    const std::string name = line_of(host, "/proc/sys/kernel/hostname");
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    for (const char c : name)
        if (!plain(c) && c != '.' && c != '-' && c != '_')
            return;
    if (!name.empty() && plain(name.front()))
        put(system, "host.name", name);
}

void find_surroundings(const Host &host, System &system) {
    find_name(host, system);
    find_container(host, system);
    find_machine(host, system);
}

} // namespace hwa::detect
