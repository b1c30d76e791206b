// SPDX-License-Identifier: MIT
// The exporters, one file each. All are pure functions of a plan.
#pragma once

#include "plan/export/export.h"

namespace hwa::plan {

base::Result<std::string> export_llamacpp(const Planned &planned);
base::Result<std::string> export_vllm(const Planned &planned);
base::Result<std::string> export_torchrun(const Planned &planned);
base::Result<std::string> export_deepspeed(const Planned &planned);
base::Result<std::string> export_deepspeed_hostfile(const Planned &planned);
base::Result<std::string> export_deepspeed_launch(const Planned &planned);

} // namespace hwa::plan
