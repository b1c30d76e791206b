// SPDX-License-Identifier: MIT
// Any bytes as a config.json: an error names the file, and whatever is read can be sized.
#include "plan/memory/footprint.h"
#include "plan/model/read.h"

using namespace hwa;

static void expect(bool promise) {
    if (!promise)
        __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(bytes), size);
    const auto config = plan::read_config_text("config.json", text);
    if (!config) {
        expect(config.error().message.starts_with("config.json: "));
        return 0;
    }
    const core::Model &model = config->model;
    expect(model.parameters <= core::parameter_limit);
    expect(model.active_parameters <= model.parameters);
    const auto footprint = plan::footprint(model, {});
    if (footprint)
        expect(footprint->weights >= model.weight_bytes());
    else
        expect(footprint.error().status == base::Status::Invalid);
    return 0;
}
