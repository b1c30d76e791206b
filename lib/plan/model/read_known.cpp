// SPDX-License-Identifier: MIT
// Models by name, through the reader of config.json.
#include "plan/model/read.h"

#include "base/text.h"
#include "data/models.h"

namespace hwa::plan {

base::Result<core::Model> read_known(std::string_view name) {
    const data::KnownModel *known = data::find_known_model(name);
    if (known == nullptr)
        return base::error(base::Status::NotFound, "no model of the name %s is known",
                           base::sanitise(name, 96).c_str());
    HWA_TRY(Config config, read_config_text(known->name, known->config));
    config.model.name = known->name;
    return std::move(config.model);
}

} // namespace hwa::plan
