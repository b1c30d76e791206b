// SPDX-License-Identifier: MIT
// Readers of model files: headers in, a Model out, never the weights.
#pragma once

#include "base/json_pull.h"
#include "base/status.h"
#include "core/model.h"
#include "plan/model/window.h"

#include <string>
#include <string_view>
#include <vector>

namespace hwa::plan {

/// A regular file as a Source.
base::Result<Source> file_source(const std::string &path);

/// A GGUF file, or the first part of a split one whose other parts lie beside it.
base::Result<core::Model> read_gguf(const std::string &path);
/// GGUF from the parts of one file, in order.
base::Result<core::Model> read_gguf_parts(const std::vector<Source> &parts);

/// What a config.json says that tensors do not.
struct Config {
    core::Model model; ///< shapes, and weights by the formula of the family
    bool known_family = false;
    uint32_t packed_bits = 0; ///< of weights packed into wider integers; 0: none are
    uint64_t window = 0;      ///< of sliding attention, in tokens
};

/// `name` is what errors call the text.
base::Result<Config> read_config_text(const std::string &name, std::string_view text);
base::Result<core::Model> read_config(const std::string &path);

/// A safetensors file or a model.safetensors.index.json, with the config.json beside it.
base::Result<core::Model> read_safetensors(const std::string &path);
base::Result<core::Model> read_safetensors_index(const std::string &path);

/// What the headers of a checkpoint may cost together, in however many files they are. The bytes
/// are what the reference implementation allows one file. 180,000 tensors stay within the values,
/// which cost half a second and 30 MiB at most.
struct HeaderBudget {
    uint64_t bytes = 100000000;
    uint32_t values = 1500000;
};

class Tally;

/// Header of one file into `tally`, paid from `budget`; `packed_bits` as in Config.
base::Done tally_safetensors(const Source &source, uint32_t packed_bits, Tally &tally,
                             HeaderBudget &budget);

/// The initializers of an ONNX file, with the config.json beside it. Data that lies in other files
/// is counted by its shape; they are not opened.
base::Result<core::Model> read_onnx(const std::string &path);
base::Done tally_onnx(const Source &source, Tally &tally);

/// Any of these by what the path is: a file by its name and first bytes, a folder by its content.
base::Result<core::Model> read_model(const std::string &path);

/// A model of the table in data/models.h.
base::Result<core::Model> read_known(std::string_view name);

/// The part of a path behind the last slash, and the part up to and with it.
std::string_view file_name(std::string_view path);
std::string folder_of(const std::string &path);

} // namespace hwa::plan
