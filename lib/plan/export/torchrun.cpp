// SPDX-License-Identifier: MIT
// A plan as a call of PyTorch's launcher: one process for each device.
#include "plan/export/exporters.h"
#include "plan/export/hosts.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;

static base::Done check(const Plan &plan, const std::vector<Host> &hosts) {
    for (const Stage &stage : plan.stages)
        if (maker_of(*stage.device) == Maker::None ||
            maker_of(*stage.device) != maker_of(*plan.stages[0].device))
            return base::error(Status::Unsupported,
                               "torchrun: %s and %s are no devices of one kind to PyTorch",
                               plan.stages[0].device->id.c_str(), stage.device->id.c_str());
    HWA_CHECK(check_several(plan, hosts, "torchrun"));
    return check_equal(hosts, "torchrun");
}

base::Result<std::string> export_torchrun(const Planned &planned) {
    const std::vector<Host> hosts = hosts_of(*planned.plan);
    HWA_CHECK(check(*planned.plan, hosts));
    std::string text;
    for (size_t rank = 0; rank < hosts.size(); ++rank) {
        text += heading(hosts, hosts[rank]);
        Command command;
        show_only(*planned.system, hosts[rank].devices, command);
        command.add("torchrun");
        if (hosts.size() == 1) {
            command.option("--standalone");
        } else {
            command.option("--nnodes", hosts.size());
            command.option("--node-rank", rank);
            command.option("--master-addr", hosts[0].name);
        }
        command.option("--nproc-per-node", hosts[rank].devices.size());
        command.add(shell_wanted("SCRIPT", "the training script"));
        text += command.text();
    }
    return text;
}

} // namespace hwa::plan
