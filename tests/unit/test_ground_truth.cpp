// SPDX-License-Identifier: MIT
// Predictions against measured truth in ground-truth/ of the folder that HWA_TEST_DATA names:
// parameters of published checkpoints, and the cache and compute buffers of llama.cpp's allocator.
#include "check.h"

#include "base/json.h"
#include "os/file.h"
#include "plan/memory/footprint.h"
#include "plan/model/read.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

using namespace hwa;
using base::JsonDocument;
using base::JsonValue;

static std::string folder;

static JsonDocument document(const char *name) {
    const auto text = os::read_whole(folder + "/" + name, 4 << 20);
    if (!text)
        fail_msg("%s", text.error().message.c_str());
    auto made = JsonDocument::parse(name, *text);
    if (!made)
        fail_msg("%s", made.error().message.c_str());
    return std::move(*made);
}

static std::string word(const JsonValue &row, const char *key) {
    const auto value = row.find(key);
    const auto text = value ? value->text() : base::Result<std::string>(std::string());
    return text ? *text : std::string();
}

static uint64_t number(const JsonValue &row, const char *key) {
    const auto value = row.find(key);
    const auto found = value ? value->u64() : base::Result<uint64_t>(uint64_t{0});
    return found ? *found : 0;
}

/// A value as text again, for the reader of configurations.
static void write(base::JsonWriter &out, const JsonValue &value) {
    if (value.is_object() || value.is_array()) {
        value.is_object() ? out.begin_object() : out.begin_array();
        for (const JsonValue &child : value.children()) {
            if (value.is_object())
                out.key(child.key());
            write(out, child);
        }
        value.is_object() ? out.end_object() : out.end_array();
    } else if (value.is_text()) {
        out.text(*value.text());
    } else if (value.is_bool()) {
        out.boolean(*value.boolean());
    } else if (value.is_number()) {
        out.real(*value.real());
    } else {
        out.null();
    }
}

using Configs = std::map<std::string, plan::Config>;

static void add_config(Configs &configs, const std::string &name, const JsonValue &row) {
    const auto value = row.find("config");
    // Of a model that also sees, the table has the decoder only, and the checkpoint the tower too.
    if (name.empty() || !value || value->find("wrapper_model_type"))
        return;
    base::JsonWriter out(0);
    write(out, *value);
    if (auto config = plan::read_config_text(name, out.take()); config && config->known_family)
        configs.emplace(name, std::move(*config));
}

static void counts_parameters(void **) {
    const JsonDocument models = document("models.json"), weights = document("weights.json");
    Configs configs;
    for (const JsonValue &row : models.root().find("rows")->children())
        add_config(configs, word(row, "id"), row);
    size_t exact = 0, near = 0, all = 0;
    for (const JsonValue &row : weights.root().find("rows")->children()) {
        add_config(configs, word(row, "model"), row);
        auto found = configs.find(word(row, "model_ref"));
        if (found == configs.end())
            found = configs.find(word(row, "model"));
        const uint64_t bytes = number(row, "tensor_bytes_exact");
        const uint64_t count = std::max(number(row, "params_total"), number(row, "n_params"));
        if (found == configs.end() || (bytes == 0 && count == 0))
            continue;
        const core::Model &model = found->second.model;
        const double wanted = static_cast<double>(bytes != 0 ? bytes : count);
        const double made =
            static_cast<double>(bytes != 0 ? model.weight_bytes() : model.parameters);
        const double away = std::fabs(made / wanted - 1);
        ++all;
        exact += away == 0;
        near += away < 0.001;
        if (away > 0)
            print_message("%s: %llu parameters\n", word(row, "id").c_str(),
                          static_cast<unsigned long long>(model.parameters));
    }
    print_message("%zu of %zu counts are exact, %zu within a thousandth\n", exact, all, near);
    assert_true(all > 0 && exact * 10 >= all * 7 && near * 20 >= all * 17);
}

/// What the planner says of a row of the allocator's table, or nothing if it is of another kind.
static bool predict(const Configs &configs, const JsonValue &row, plan::Footprint &footprint) {
    const auto options = row.find("options");
    const auto found = configs.find(word(row, "model"));
    if (!options || found == configs.end() || found->second.window != 0)
        return false;
    if (number(*options, "fa") != 1 || number(*options, "g") != 1 || number(*options, "np") != 1 ||
        number(*options, "ub") != 512 || word(*options, "ctk") != "f16" ||
        word(*options, "ctv") != "f16")
        return false;
    plan::Workload workload;
    workload.prompt_tokens = number(row, "n_ctx_actual") - 128;
    const auto made = plan::footprint(found->second.model, workload);
    if (!made)
        return false;
    footprint = *made;
    return true;
}

static void agrees_with_the_allocator(void **) {
    const JsonDocument weights = document("weights.json"),
                       table = document("llamacpp_allocator.json");
    Configs configs;
    for (const JsonValue &row : weights.root().find("rows")->children())
        add_config(configs, word(row, "model"), row);
    std::vector<double> errors;
    size_t exact = 0;
    for (const JsonValue &row : table.root().find("rows")->children()) {
        plan::Footprint footprint;
        if (!predict(configs, row, footprint))
            continue;
        const auto gpu = row.find("devices")->find("GPU0");
        exact += number(*gpu, "context") == footprint.cache;
        const double compute = static_cast<double>(number(*gpu, "compute"));
        errors.push_back(std::fabs(static_cast<double>(footprint.activations) / compute - 1));
        if (number(*gpu, "context") != footprint.cache || errors.back() > 0.05)
            print_message("%s: cache %llu of %llu, buffers %llu of %llu\n", word(row, "id").c_str(),
                          static_cast<unsigned long long>(footprint.cache),
                          static_cast<unsigned long long>(number(*gpu, "context")),
                          static_cast<unsigned long long>(footprint.activations),
                          static_cast<unsigned long long>(number(*gpu, "compute")));
    }
    assert_false(errors.empty());
    std::sort(errors.begin(), errors.end());
    print_message("%zu of %zu caches exact; buffers: median error %.4f, 9 of 10 below %.4f\n",
                  exact, errors.size(), errors[errors.size() / 2], errors[errors.size() * 9 / 10]);
    assert_true(exact == errors.size());
    assert_true(errors[errors.size() / 2] < 0.01);
}

int main() {
    const char *path = std::getenv("HWA_TEST_DATA");
    if (path == nullptr)
        return 77; // skipped
    folder = std::string(path) + "/ground-truth";
    const CMUnitTest tests[] = {
        cmocka_unit_test(counts_parameters),
        cmocka_unit_test(agrees_with_the_allocator),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
