// SPDX-License-Identifier: MIT
// The hosts of a plan as DeepSpeed's launcher reads them, and its call.
#include "plan/export/exporters.h"
#include "plan/export/hosts.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;

namespace {

base::Done check(const Plan &plan, const std::vector<Host> &hosts) {
    if (!plan.workload.trains())
        return base::error(Status::Unsupported, "deepspeed: the plan is no training");
    HWA_CHECK(check_several(plan, hosts, "deepspeed"));
    for (const Host &host : hosts)
        if (std::any_of(host.name.begin(), host.name.end(),
                        [](char letter) { return letter <= ' ' || letter == '#'; }))
            return base::error(Status::Unsupported,
                               "deepspeed: a line of its file does not hold the name of a host "
                               "with a space");
    return {};
}

std::string name_of(const Host &host) {
    return host.name.empty() ? "localhost" : host.name;
}

} // namespace

base::Result<std::string> export_deepspeed_hostfile(const Planned &planned) {
    const std::vector<Host> hosts = hosts_of(*planned.plan);
    HWA_CHECK(check(*planned.plan, hosts));
    std::string text;
    for (const Host &host : hosts)
        text += name_of(host) + " slots=" + std::to_string(host.devices.size()) + "\n";
    return text;
}

/// The launcher counts devices itself, whatever variables say which of them are shown.
static base::Result<std::string> include_of(const core::System &system,
                                            const std::vector<Host> &hosts, Command &command) {
    std::string text;
    bool numbered = false;
    for (const Host &host : hosts) {
        Command there;
        const auto numbers =
            numbers_of(system, host.devices, &host == &hosts.front() ? command : there);
        if (!numbers)
            return base::error(Status::Unsupported,
                               "deepspeed: the numbers of the devices on %s are not known",
                               name_of(host).c_str());
        numbered = numbered || !numbers->empty();
        text +=
            (text.empty() ? "" : "@") + name_of(host) + (numbers->empty() ? "" : ":") + *numbers;
    }
    return numbered ? text : std::string();
}

base::Result<std::string> export_deepspeed_launch(const Planned &planned) {
    const std::vector<Host> hosts = hosts_of(*planned.plan);
    HWA_CHECK(check(*planned.plan, hosts));
    std::string text;
    for (size_t rank = 0; rank < hosts.size(); ++rank) {
        Command command;
        HWA_TRY(const std::string include, include_of(*planned.system, hosts, command));
        command.add("deepspeed");
        if (hosts.size() > 1) {
            command.option_word("--hostfile",
                                shell_wanted("HOSTFILE", "the export deepspeed-hostfile"));
            command.option("--no_ssh");
            command.option("--node_rank", rank);
            command.option("--master_addr", hosts[0].name);
        }
        if (!include.empty())
            command.option("--include", include);
        command.add(shell_wanted("SCRIPT", "the training script"));
        command.option_word("--deepspeed_config", shell_wanted("CONFIG", "the export deepspeed"));
        text += heading(hosts, hosts[rank]) + command.text();
    }
    return text;
}

} // namespace hwa::plan
