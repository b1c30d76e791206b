// SPDX-License-Identifier: MIT
// The parts of training steps, one line for each line read; fit_training_time.py asks it.
//
//   CONFIG.JSON DEVICES ISLAND NETWORK KIND VENDOR hbm|gddr BF16 FP8 FP4 BYTES_PER_SECOND
//   KEY=VALUE…
//
// Keys are those of pins, and sequence_tokens, micro_batch, zero_stage and recompute.
#include "plan/cut.h"
#include "plan/model/read.h"
#include "plan/time/training.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

using namespace hwa;
using namespace hwa::plan;

namespace {

core::System system_of(std::istringstream &line) {
    size_t count = 0, island = 1;
    double network = 0, bf16 = 0, fp8 = 0, fp4 = 0, bytes = 0;
    std::string kind, vendor, memory;
    line >> count >> island >> network >> kind >> vendor >> memory >> bf16 >> fp8 >> fp4 >> bytes;
    core::System system;
    for (size_t i = 0; i < count; ++i) {
        core::Device device;
        device.id = "gpu-" + std::to_string(i);
        device.kind = core::kind_from_name(kind);
        device.vendor = {vendor, core::Source::Table};
        core::Memory made;
        made.kind = memory == "hbm" ? core::MemoryKind::Hbm : core::MemoryKind::Gddr;
        made.size_bytes = {uint64_t{1} << 50, core::Source::Table};
        made.bytes_per_second = {static_cast<uint64_t>(bytes), core::Source::Table};
        device.memories.push_back(made);
        for (const auto &[dtype, rate] : {std::pair{core::Dtype::Bf16, bf16},
                                          {core::Dtype::F8E4M3, fp8},
                                          {core::Dtype::F4E2M1, fp4}})
            if (rate > 0)
                device.put_compute({dtype, core::Support::Native, rate, 0, core::Source::Table});
        device.put_attr(
            core::attr_text("host.name", std::to_string(i / island), core::Source::Derived));
        device.put_attr(core::attr_int("host.network_bytes_per_second",
                                       static_cast<int64_t>(network), core::Source::Table));
        system.devices.push_back(std::move(device));
    }
    return system;
}

bool take(Workload &workload, const std::string &key, uint64_t value) {
    if (key == "sequence_tokens")
        workload.sequence_tokens = value;
    else if (key == "micro_batch")
        workload.micro_batch = value;
    else if (key == "zero_stage")
        workload.zero_stage = static_cast<uint32_t>(value);
    else if (key == "recompute")
        workload.recompute = static_cast<Recompute>(value);
    else if (key == "mode")
        workload.mode = static_cast<Mode>(value);
    else
        return false;
    return true;
}

core::Attr attr_of(const std::string &key, const std::string &value) {
    char *end = nullptr;
    const int64_t number = std::strtoll(value.c_str(), &end, 10);
    return *end == '\0' ? core::attr_int(key, number, core::Source::Unknown)
                        : core::attr_text(key, value, core::Source::Unknown);
}

struct Answer {
    StepParts parts;
    Release release;
};

base::Result<Answer> parts_of(std::istringstream &line) {
    static std::map<std::string, core::Model> models;
    std::string config;
    line >> config;
    if (!models.contains(config)) {
        HWA_TRY(core::Model model, read_model(config.c_str()));
        models.emplace(config, std::move(model));
    }
    const core::System system = system_of(line);
    Workload workload;
    workload.mode = Mode::Train;
    std::vector<core::Attr> pins;
    for (std::string word; line >> word;) {
        const size_t at = word.find('=');
        const std::string key = word.substr(0, at), value = word.substr(at + 1);
        if (!take(workload, key, std::strtoull(value.c_str(), nullptr, 10)))
            pins.push_back(attr_of(key, value));
    }
    Options options;
    HWA_TRY(options.run, run_of(pins));
    for (const core::Device &device : system.devices)
        options.devices.push_back(&device);
    Case one{&system, &models.at(config), own_format(models.at(config)), workload, options.run, {}};
    HWA_CHECK(cut(options, one));
    HWA_TRY(const StepParts parts, step_parts(one));
    return Answer{parts, release_of(one.run)};
}

} // namespace

int main() {
    std::cout.precision(9);
    for (std::string text; std::getline(std::cin, text);) {
        std::istringstream line(text);
        const auto parts = parts_of(line);
        if (!parts) {
            std::cerr << parts.error().message << "\n";
            std::cout << "-1\n";
            continue;
        }
        const StepParts &p = parts->parts;
        for (const double value :
             {p.products, p.experts, p.attention, p.elementwise, p.kernels, p.tensor_sends,
              p.expert_sends, p.stage_sends, p.weight_sends, p.data_sends, p.optimizer, p.rounds,
              p.operations, p.peak, p.mixtures, p.expert_calls})
            std::cout << value << ' ';
        std::cout << static_cast<int>(parts->release) << '\n';
    }
    return EXIT_SUCCESS;
}
