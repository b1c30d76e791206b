// SPDX-License-Identifier: MIT
// Models from the text of a config.json.
#pragma once

#include "check.h"
#include "plan/model/read.h"

#include <string>
#include <utility>

namespace hwa::test {

inline core::Model read(const std::string &text) {
    auto config = plan::read_config_text("c", text);
    if (!config)
        fail_msg("%s", config.error().message.c_str());
    return std::move(config->model);
}

/// Llama 3.1 8B: 128 KiB a token.
inline core::Model llama() {
    return read(R"({"model_type":"llama","hidden_size":4096,"num_hidden_layers":32,
        "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
        "vocab_size":128256,"torch_dtype":"bfloat16","max_position_embeddings":131072})");
}

} // namespace hwa::test
