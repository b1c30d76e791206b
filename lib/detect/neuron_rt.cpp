// SPDX-License-Identifier: MIT
// AWS's Neuron runtime as a witness. Before nrt_init(), which would take cores, it tells its
// version and how many cores there are on the machine and for this process, but of no device alone:
// so each device of the driver hears the same.
//
// Document: AWS Neuron documentation, "Neuron Runtime API Reference" and "Developer Guide - NeuronX
// Runtime".
#include "detect/neuron_rt.h"

#include "api/neuron_rt.h"
#include "base/text.h"
#include "detect/witness.h"

#include <algorithm>
#include <cinttypes>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Source;

bool is_run_by_neuron(const Device &device) {
    const auto &found_by = device.backends;
    return std::find(found_by.begin(), found_by.end(), "neuron") != found_by.end() &&
           device.driver.value.starts_with("neuron");
}

bool neuron_rt_wanted(const os::Host &, const core::System &system) {
    return std::any_of(system.devices.begin(), system.devices.end(), is_run_by_neuron);
}

static base::Error failure(const char *call, NRT_STATUS status) {
    const bool memory = status == NRT_FAIL_HOST_MEM_ALLOC;
    base::Error why =
        base::error(memory ? Status::HostMemory : Status::Driver, "%s answered %s (%d)", call,
                    api::neuron_rt_status(status), static_cast<int>(status));
    why.code = status;
    return why;
}

/// "2.31.24.0"; what the runtime says in words where it has no numbers for it; "" if neither.
static std::string version_of(const api::NeuronRt &runtime) {
    // With room for what a later runtime may write whatever it is told.
    struct {
        nrt_version_t version;
        char later[1024];
    } told = {};
    if (runtime.nrt_get_version(&told.version, sizeof told.version) != NRT_SUCCESS)
        return {};
    const nrt_version_t &version = told.version;
    constexpr uint64_t sane = 1000000;
    if (std::max({version.rt_major, version.rt_minor, version.rt_patch, version.rt_maintenance}) >=
        sane)
        return {};
    if (version.rt_major == 0 && version.rt_minor == 0)
        return field_text(version.rt_detail);
    return base::format("%" PRIu64 ".%" PRIu64 ".%" PRIu64 ".%" PRIu64, version.rt_major,
                        version.rt_minor, version.rt_patch, version.rt_maintenance);
}

/// Cores of the machine: virtual ones by a runtime that knows such.
static base::Result<uint32_t> total_of(const api::NeuronRt &runtime, Findings &findings) {
    constexpr uint32_t most = 4096; // 64 devices of 64 cores
    const bool virtual_ones = runtime.nrt_get_total_vnc_count != nullptr;
    const char *call = virtual_ones ? "nrt_get_total_vnc_count" : "nrt_get_total_nc_count";
    findings.stage(call);
    uint32_t count = 0;
    const NRT_STATUS status = virtual_ones ? runtime.nrt_get_total_vnc_count(&count)
                                           : runtime.nrt_get_total_nc_count(&count);
    if (status != NRT_SUCCESS)
        return failure(call, status);
    if (count > most)
        return base::error(Status::Parse, "%s told of %u cores, which cannot be", call, count);
    return count;
}

/// Those among them that the environment leaves to this process; none where it is not told.
static std::optional<uint32_t> visible_of(const api::NeuronRt &runtime, uint32_t total,
                                          Findings &findings) {
    uint32_t count = 0;
    NRT_STATUS status = NRT_INVALID;
    if (runtime.nrt_get_visible_vnc_count != nullptr) {
        findings.stage("nrt_get_visible_vnc_count");
        status = runtime.nrt_get_visible_vnc_count(&count);
    } else if (runtime.nrt_get_visible_nc_count != nullptr) {
        findings.stage("nrt_get_visible_nc_count");
        status = runtime.nrt_get_visible_nc_count(&count);
    }
    return status == NRT_SUCCESS && count <= total ? std::optional(count) : std::nullopt;
}

base::Done ask_neuron_rt(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(const api::NeuronRt runtime, api::load_neuron_rt(library_path));
    findings.library = runtime.library.path;
    findings.stage("nrt_get_version");
    findings.version = version_of(runtime);
    HWA_TRY(const uint32_t total, total_of(runtime, findings));
    if (total == 0) {
        findings.warning = "the runtime has no core to show";
        return {};
    }
    Device all;
    all.id = "neuron_rt";
    all.kind = core::Kind::Asic;
    if (!findings.version.empty())
        all.put_attr(core::attr_text("neuron_rt.version", findings.version, Source::Driver));
    all.put_attr(core::attr_int("neuron_rt.total_cores", total, Source::Driver));
    if (const auto visible = visible_of(runtime, total, findings))
        all.put_attr(core::attr_int("neuron_rt.visible_cores", *visible, Source::Driver));
    findings.found(std::move(all));
    return {};
}

} // namespace hwa::detect
