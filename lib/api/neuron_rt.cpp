// SPDX-License-Identifier: MIT
// Fills the table of AWS's Neuron runtime and names its statuses.
#include "api/neuron_rt.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(NeuronRt, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(NeuronRt, name)},
#include "api/neuron_rt.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<NeuronRt> load_neuron_rt(const std::string &directory) {
    // Of the package aws-neuronx-runtime-lib.
    static constexpr const char *packaged = "/opt/aws/neuron/lib";
    NeuronRt table;
    auto library = os::load(neuron_rt_sonames, directory, symbols, &table);
    if (!library && directory.empty() && library.error().status == base::Status::Unavailable)
        library = os::load(neuron_rt_sonames, packaged, symbols, &table);
    HWA_TRY(table.library, std::move(library));
    return table;
}

const char *neuron_rt_status(NRT_STATUS status) {
    switch (status) {
#define HWA_STATUS(name)                                                                           \
    case name:                                                                                     \
        return #name
        HWA_STATUS(NRT_SUCCESS);
        HWA_STATUS(NRT_FAILURE);
        HWA_STATUS(NRT_INVALID);
        HWA_STATUS(NRT_INVALID_HANDLE);
        HWA_STATUS(NRT_RESOURCE);
        HWA_STATUS(NRT_TIMEOUT);
        HWA_STATUS(NRT_HW_ERROR);
        HWA_STATUS(NRT_LOAD_NOT_ENOUGH_NC);
        HWA_STATUS(NRT_FAIL_HOST_MEM_ALLOC);
        HWA_STATUS(NRT_UNINITIALIZED);
        HWA_STATUS(NRT_CLOSED);
#undef HWA_STATUS
    default:
        return "an unknown status";
    }
}

} // namespace hwa::api
