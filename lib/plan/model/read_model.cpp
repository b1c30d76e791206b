// SPDX-License-Identifier: MIT
// What a path holds, and the reader for it.
#include "plan/model/read.h"

#include "base/text.h"
#include "os/file.h"

#include <cstring>

namespace hwa::plan {

using base::Status;
using core::Model;

/// A regular file by its first bytes, or by its name where these say nothing.
static base::Result<Model> read_file(const std::string &path) {
    const std::string_view name = file_name(path);
    HWA_TRY(const Source source, file_source(path));
    char start[9] = {};
    HWA_TRY(const size_t got, source.read(0, start));
    if (got == 0)
        return base::error(Status::Parse, "%s: byte 0: the file is empty", path.c_str());
    if (name.ends_with(".gguf") || std::memcmp(start, "GGUF", 4) == 0)
        return read_gguf(path);
    if (name.ends_with(".onnx"))
        return read_onnx(path);
    if (name.ends_with(".index.json"))
        return read_safetensors_index(path);
    if (name.ends_with(".json"))
        return read_config(path);
    if (name.ends_with(".safetensors") || (got == 9 && start[8] == '{'))
        return read_safetensors(path);
    return base::error(Status::Unsupported,
                       "%s: is no GGUF, safetensors or ONNX file, no safetensors index and no "
                       "config.json",
                       path.c_str());
}

/// In a folder, tensors are preferred to formulas.
static base::Result<Model> read_folder(const std::string &path) {
    const std::string folder = path.ends_with('/') ? path : path + "/";
    for (const char *name :
         {"model.safetensors.index.json", "model.safetensors", "model.onnx", "config.json"})
        if (os::path_kind(folder + name) == os::PathKind::File)
            return read_file(folder + name);
    HWA_TRY(const auto names, os::list_folder(path, 4096));
    std::vector<std::string> found;
    for (const std::string &name : names)
        if (name.ends_with(".gguf") && (name.find("-of-") == std::string::npos ||
                                        name.find("-00001-of-") != std::string::npos))
            found.push_back(name);
    if (found.empty())
        return base::error(Status::NotFound,
                           "%s: holds no model.safetensors, config.json or GGUF file",
                           path.c_str());
    if (found.size() > 1)
        return base::error(Status::Ambiguous, "%s: holds %zu GGUF files, %s and %s among them",
                           path.c_str(), found.size(), base::sanitise(found[0], 96).c_str(),
                           base::sanitise(found[1], 96).c_str());
    HWA_TRY(Model model, read_gguf(folder + found[0]));
    model.source = folder + found[0];
    return model;
}

base::Result<Model> read_model(const std::string &path) {
    HWA_TRY(Model model,
            os::path_kind(path) == os::PathKind::Directory ? read_folder(path) : read_file(path));
    if (model.source.empty())
        model.source = path;
    if (model.name.empty()) {
        std::string_view shown = path;
        while (shown.size() > 1 && shown.ends_with('/'))
            shown.remove_suffix(1);
        // A config.json or an index is called after its folder.
        if (shown.ends_with(".json") || shown.ends_with("model.safetensors"))
            if (const std::string folder = folder_of(std::string(shown)); folder.size() > 1)
                shown = std::string_view(shown.data(), folder.size() - 1);
        model.name = base::sanitise(file_name(shown), 128);
    }
    return model;
}

} // namespace hwa::plan
