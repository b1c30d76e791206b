// SPDX-License-Identifier: MIT
// The model that a command line names.
#include "model.h"

#include "text.h"
#include "units.h"

#include <cstring>
#include <filesystem>

namespace hwa::tool {

namespace {

constexpr char models[] =
    "give a GGUF or safetensors file, a folder, a name of 'hwa list --models', or a count such as "
    "8B";

/// Says why a file is no model; the general hints are about devices.
int refuse_model(const hwa_error_t &error) {
    if (error.status == HWA_ERROR_INVALID) // A pipe or a device is a wrong file, not wrong usage.
        return fail(ExitFailed, error.message, "give the file itself");
    if (error.status == HWA_ERROR_UNSUPPORTED)
        return fail(error, models);
    return fail(error, error.status == HWA_ERROR_DENIED ? "let this user read it" : "");
}

/// The name that could have been meant: the shortest that holds the text, else the nearest, whether
/// it was given with the publisher or without.
std::string meant_by(const std::string &text) {
    std::vector<std::string> names, bare;
    std::string shortest;
    for (uint32_t i = 0; const char *name = hwa_catalog_model(nullptr, i); ++i) {
        names.emplace_back(name);
        bare.push_back(names.back().substr(names.back().find('/') + 1));
        if (strcasestr(name, text.c_str()) != nullptr &&
            (shortest.empty() || names.back().size() < shortest.size()))
            shortest = name;
    }
    if (!shortest.empty())
        return shortest;
    return nearest(text, text.find('/') == std::string::npos ? bare : names);
}

int refuse_name(const std::string &name) {
    const std::string meant = meant_by(name);
    return fail(ExitFailed,
                "there is no file '" + name +
                    "', and it is no parameter count and no known name "
                    "either",
                meant.empty() ? models : "did you mean '" + meant + "'?");
}

} // namespace

/// The model of a file, or of a parameter count where there is no such file.
Model open_model(const std::string &name, int *exit) {
    Model model;
    hwa_error_t error = {};
    std::error_code ignored;
    const bool there = std::filesystem::exists(std::filesystem::symlink_status(name, ignored));
    const std::optional<uint64_t> parameters = there ? std::nullopt : parse_count(name);
    if (there && hwa_model_from_file(name.c_str(), Out(model), &error) != HWA_OK) {
        *exit = refuse_model(error);
    } else if (parameters) {
        hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
        desc.parameters = *parameters;
        desc.name = name.c_str();
        if (hwa_model_from_desc(&desc, Out(model), &error) != HWA_OK)
            *exit = fail(error);
    } else if (!there &&
               hwa_model_from_catalog(nullptr, name.c_str(), Out(model), &error) != HWA_OK) {
        *exit = error.status == HWA_ERROR_NOT_FOUND ? refuse_name(name) : fail(error);
    }
    return model;
}

} // namespace hwa::tool
