// SPDX-License-Identifier: MIT
// The public functions of models.
#include "capi/model.h"

#include "base/text.h"
#include "capi/entry.h"
#include "data/models.h"
#include "plan/model/read.h"

using namespace hwa;
using namespace hwa::capi;

namespace hwa::capi {

base::Result<plan::Workload> workload_in(const hwa_workload_t *given) {
    HWA_TRY(const hwa_workload_t taken, take_in(given, "workload"));
    plan::Workload made;
    made.mode = static_cast<plan::Mode>(taken.mode);
    made.batch = taken.batch;
    made.prompt_tokens = taken.prompt_tokens;
    made.output_tokens = taken.output_tokens;
    made.context_tokens = taken.context_tokens;
    made.weight_dtype = static_cast<core::Dtype>(taken.weight_dtype);
    made.cache_dtype = static_cast<core::Dtype>(taken.cache_dtype);
    made.recipe = or_empty(taken.recipe);
    made.rank = taken.rank;
    made.sequence_tokens = taken.sequence_tokens;
    made.micro_batch = taken.micro_batch;
    made.optimizer = static_cast<plan::Optimizer>(taken.optimizer);
    made.zero_stage = taken.zero_stage;
    made.recompute = static_cast<plan::Recompute>(taken.recompute);
    return made;
}

hwa_footprint_t footprint_out(const plan::Footprint &footprint) {
    hwa_footprint_t made = {};
    made.weights = footprint.weights;
    made.gradients = footprint.gradients;
    made.optimizer = footprint.optimizer;
    made.cache = footprint.cache;
    made.activations = footprint.activations;
    made.workspace = footprint.workspace;
    made.adapters = footprint.adapters;
    made.offload = footprint.offload;
    made.total = footprint.total();
    return made;
}

static base::Result<core::ModelNumbers> numbers_in(const hwa_model_desc_t *given) {
    if (given == nullptr)
        return null_argument("desc");
    HWA_TRY(const hwa_model_desc_t taken, take_in(given, "desc"));
    core::ModelNumbers made;
    made.name = or_empty(taken.name);
    made.architecture = or_empty(taken.architecture);
    if (!base::valid_utf8(made.name) || !base::valid_utf8(made.architecture))
        return base::error(base::Status::Invalid, "desc: name or architecture is not UTF-8");
    made.dtype = static_cast<core::Dtype>(taken.dtype);
    made.parameters = taken.parameters;
    made.active_parameters = taken.active_parameters;
    made.layers = taken.layers;
    made.hidden_size = taken.hidden_size;
    made.ffn_size = taken.ffn_size;
    made.heads = taken.heads;
    made.kv_heads = taken.kv_heads;
    made.head_size = taken.head_size;
    made.vocabulary = taken.vocabulary;
    made.context_limit = taken.context_limit;
    made.experts = taken.experts;
    made.experts_per_token = taken.experts_per_token;
    return made;
}

static std::unique_ptr<hwa_model_t> handle_of(core::Model model) {
    auto made = std::make_unique<hwa_model_t>();
    made->model = std::make_shared<const core::Model>(std::move(model));
    return made;
}

} // namespace hwa::capi

hwa_status_t hwa_model_from_desc(const hwa_model_desc_t *desc, hwa_model_t **out_model,
                                 hwa_error_t *error) {
    return hand_out(out_model, error, [&]() -> base::Result<std::unique_ptr<hwa_model_t>> {
        HWA_TRY(const core::ModelNumbers numbers, numbers_in(desc));
        HWA_TRY(core::Model model, core::model_from_numbers(numbers));
        return handle_of(std::move(model));
    });
}

hwa_status_t hwa_model_from_file(const char *path, hwa_model_t **out_model, hwa_error_t *error) {
    return hand_out(out_model, error, [&]() -> base::Result<std::unique_ptr<hwa_model_t>> {
        if (path == nullptr)
            return null_argument("path");
        HWA_TRY(core::Model model, plan::read_model(path));
        return handle_of(std::move(model));
    });
}

hwa_status_t hwa_model_from_catalog(const hwa_catalog_t *catalog, const char *name,
                                    hwa_model_t **out_model, hwa_error_t *error) {
    return hand_out(out_model, error, [&]() -> base::Result<std::unique_ptr<hwa_model_t>> {
        if (name == nullptr)
            return null_argument("name");
        if (catalog != nullptr)
            return base::error(base::Status::Invalid, "catalog: is none that was opened");
        HWA_TRY(core::Model model, plan::read_known(name));
        return handle_of(std::move(model));
    });
}

const char *hwa_catalog_model(const hwa_catalog_t *catalog, uint32_t index) {
    const auto models = data::known_models();
    return catalog == nullptr && index < models.size() ? models[index].name : nullptr;
}

hwa_status_t hwa_model_desc(const hwa_model_t *model, hwa_model_desc_t *desc) {
    if (model == nullptr)
        return HWA_ERROR_INVALID;
    const core::Model &full = *model->model;
    hwa_model_desc_t made = HWA_INIT(hwa_model_desc_t);
    made.dtype = static_cast<hwa_dtype_t>(full.dtype);
    made.name = or_null(full.name);
    made.architecture = or_null(full.architecture);
    made.parameters = full.parameters;
    made.active_parameters = full.active_parameters;
    made.layers = static_cast<uint32_t>(full.layers.size());
    made.hidden_size = full.hidden_size;
    made.ffn_size = full.ffn_size;
    made.heads = full.heads;
    made.kv_heads = full.kv_heads;
    made.head_size = full.head_size;
    made.vocabulary = full.vocabulary;
    made.context_limit = full.context_limit;
    made.experts = full.experts;
    made.experts_per_token = full.experts_per_token;
    return fill_out(desc, made);
}

hwa_status_t hwa_model_footprint(const hwa_model_t *model, const hwa_workload_t *workload,
                                 hwa_footprint_t *footprint) {
    return guarded(nullptr, [&]() -> base::Done {
        if (model == nullptr || footprint == nullptr)
            return null_argument(model == nullptr ? "model" : "footprint");
        *footprint = {};
        HWA_TRY(const plan::Workload taken, workload_in(workload));
        HWA_TRY(const plan::Footprint made, plan::footprint(*model->model, taken));
        *footprint = footprint_out(made);
        return {};
    });
}

void hwa_model_free(hwa_model_t *model) {
    delete model;
}
