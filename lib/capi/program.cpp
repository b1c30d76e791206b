// SPDX-License-Identifier: MIT
// Programs: a kernel from the first variant that fits, or an operation from a provider.
#include "capi/attrs.h"
#include "capi/entry.h"
#include "capi/launch.h"

#include "base/text.h"
#include "core/code.h"

#include <algorithm>
#include <cmath>

namespace hwa::capi {

using base::Status;

/// More than any caller has, and few enough to copy without a thought.
static constexpr uint32_t variant_limit = 1024;
static constexpr uint32_t attr_limit = 1024;

static int32_t call_host(hwa_host_kernel_fn host, void *user, const launch::HostCall &from) {
    hwa_host_call_t call = HWA_INIT(hwa_host_call_t);
    call.arg_count = static_cast<uint32_t>(from.args.size());
    std::copy(from.group.begin(), from.group.end(), call.group);
    std::copy(from.grid.begin(), from.grid.end(), call.grid);
    std::copy(from.threads.begin(), from.threads.end(), call.threads);
    call.shared_bytes = from.shared_bytes;
    call.args = from.args.data();
    call.arg_bytes = from.arg_bytes;
    call.shared = from.shared;
    return host(user, &call);
}

/// A function of the caller's, as a runtime calls it.
struct HostFunction {
    hwa_host_kernel_fn host;
    void *user;
    launch::Lease hook;

    static int32_t call(const void *state, const launch::HostCall &from) {
        const auto &self = *static_cast<const HostFunction *>(state);
        return call_host(self.host, self.user, from);
    }
};

/// A function that a runtime has found by name.
static int32_t call_entry(const void *address, const launch::HostCall &from) {
    return call_host(reinterpret_cast<hwa_host_kernel_fn>(const_cast<void *>(address)), nullptr,
                     from);
}

/// A variant as it was handed in, with its hook in safe hands, and then what to build of it.
struct Variant {
    std::string place; ///< "variants[2]"
    hwa_kernel_desc_t desc;
    launch::Lease hook;
    launch::CodeRequest request;
};

static base::Done take_variant(const hwa_kernel_desc_t *given, Variant &into) {
    if (given == nullptr)
        return null_argument(into.place.c_str());
    HWA_TRY(into.desc, take_in(given, into.place.c_str()));
    into.hook = make_hook(into.desc.host_release, into.desc.host_user);
    return {};
}

/// All of them are taken before one can be refused: every hook that can be read is to run.
static base::Result<std::vector<Variant>>
take_variants(std::span<const hwa_kernel_desc_t *const> given) {
    std::vector<Variant> variants(given.size());
    base::Done first;
    for (size_t i = 0; i < given.size(); ++i) {
        variants[i].place = base::format("variants[%zu]", i);
        base::Done taken = take_variant(given[i], variants[i]);
        if (!taken && first)
            first = std::move(taken);
    }
    if (!first)
        return std::move(first.error());
    return variants;
}

static base::Done read_variant(Variant &variant) {
    const hwa_kernel_desc_t &desc = variant.desc;
    const char *place = variant.place.c_str();
    launch::CodeRequest &request = variant.request;
    request.kind = static_cast<core::Code>(number(desc.code_kind));
    request.entry = desc.entry == nullptr ? "main" : desc.entry;
    request.options = or_empty(desc.build_options);
    if (request.kind == core::Code::Unknown)
        return base::error(Status::Invalid, "%s: code_kind is not set", place);
    if (request.kind == core::Code::Host) {
        if (desc.host == nullptr)
            return base::error(Status::Invalid, "%s: host is NULL", place);
        request.host = HostFunction::call;
        request.state =
            std::make_shared<HostFunction>(HostFunction{desc.host, desc.host_user, variant.hook});
        return {};
    }
    if (desc.code == nullptr || desc.code_bytes == 0)
        return base::error(Status::Invalid, "%s: there is no code", place);
    request.host = call_entry;
    request.code = {static_cast<const char *>(desc.code), desc.code_bytes};
    return {};
}

static void log_build(const QueueState &state, bool failed) {
    const auto level = failed ? base::LogLevel::Error : base::LogLevel::Info;
    for (const std::string_view line : base::split(state.build_log, '\n'))
        HWA_LOG(state.system->log, level, state.row->name.c_str(), "%s",
                base::sanitise(line).c_str());
}

/// Builds the first variant whose kind the runtime takes; a kind it does not take adds its reason.
static base::Result<std::shared_ptr<launch::Program>>
build_first(QueueState &state, std::span<const Variant> variants, hwa_program_t &made) {
    std::string &reasons = made.message;
    for (const Variant &variant : variants) {
        state.build_log.clear();
        auto built = state.queue->build(variant.request, state.build_log);
        log_build(state, !built);
        if (!built)
            built.error().backend = state.row->name;
        if (built || built.error().status != Status::Unsupported) {
            made.name = variant.request.kind == core::Code::Host ? "host" : variant.request.entry;
            return built;
        }
        ++made.variant;
        reasons +=
            base::format("%s%s: %s", reasons.empty() ? "" : "; ",
                         core::code_name(variant.request.kind), built.error().message.c_str());
    }
    return base::error(Status::Unsupported, "%s takes none of the variants (%s)",
                       state.row->name.c_str(), reasons.c_str());
}

static base::Result<std::unique_ptr<hwa_program_t>> from_kernel(const QueuePtr &state,
                                                                std::vector<Variant> variants) {
    HWA_CHECK(enter(*state));
    for (Variant &variant : variants)
        HWA_CHECK(read_variant(variant));
    auto made = std::make_unique<hwa_program_t>();
    made->queue = state;
    HWA_TRY(made->program, build_first(*state, variants, *made));
    made->provider = state->driver.empty() ? state->row->name : state->driver;
    return made;
}

static base::Result<std::unique_ptr<hwa_program_t>> from_op(const QueuePtr &state, const char *op,
                                                            std::span<const hwa_attr_t> given) {
    HWA_CHECK(enter(*state));
    HWA_TRY(const std::vector<core::Attr> attrs, attrs_in(given, "attrs"));
    launch::OpRequest request;
    request.name = op;
    request.attrs = attrs;
    request.queue = state->queue.get();
    request.log = &state->build_log;
    request.runtime = state->row->name;
    request.device = state->device->facts;
    request.library_path = state->system->library_path;
    state->build_log.clear();
    auto found = launch::make_operation(request);
    log_build(*state, !found);
    HWA_TRY(launch::Operation operation, std::move(found));
    auto made = std::make_unique<hwa_program_t>();
    made->queue = state;
    made->name = op;
    made->provider = std::move(operation.provider);
    made->bindings = std::move(operation.bindings);
    made->is_op = true;
    made->shape = operation.shape;
    made->scratch = std::move(operation.scratch);
    made->scratch_bytes = operation.scratch_bytes;
    made->values = std::move(operation.values);
    made->program = std::move(operation.program);
    return made;
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_program_from_kernel(hwa_queue_t *queue, const hwa_kernel_desc_t *const *variants,
                                     uint32_t variant_count, hwa_program_t **out_program,
                                     hwa_error_t *error) {
    std::vector<Variant> taken;
    const auto take = [&]() -> base::Done {
        if (variants == nullptr)
            return null_argument("variants");
        if (variant_count == 0 || variant_count > variant_limit)
            return base::error(Status::Invalid, "variant_count is %u, not 1 to %u", variant_count,
                               variant_limit);
        HWA_TRY(taken, take_variants({variants, variant_count}));
        return {};
    };
    return hand_out(out_program, error, take,
                    [&]() -> base::Result<std::unique_ptr<hwa_program_t>> {
                        if (queue == nullptr)
                            return null_argument("queue");
                        return from_kernel(queue->queue, std::move(taken));
                    });
}

hwa_status_t hwa_program_from_op(hwa_queue_t *queue, const char *op, const hwa_attr_t *attrs,
                                 uint32_t attr_count, hwa_program_t **out_program,
                                 hwa_error_t *error) {
    return hand_out(out_program, error, [&]() -> base::Result<std::unique_ptr<hwa_program_t>> {
        if (queue == nullptr)
            return null_argument("queue");
        if (op == nullptr)
            return null_argument("op");
        if (attrs == nullptr && attr_count != 0)
            return null_argument("attrs");
        if (attr_count > attr_limit)
            return base::error(Status::Invalid, "attr_count is %u, more than %u", attr_count,
                               attr_limit);
        return from_op(queue->queue, op, {attrs, attr_count});
    });
}

hwa_status_t hwa_program_info(const hwa_program_t *program, hwa_program_info_t *info) {
    if (program == nullptr)
        return HWA_ERROR_INVALID;
    hwa_program_info_t full = HWA_INIT(hwa_program_info_t);
    full.binding_count = static_cast<uint32_t>(program->bindings.size());
    full.name = or_null(program->name);
    full.provider = or_null(program->provider);
    full.variant = program->variant;
    full.message = or_null(program->message);
    return fill_out(info, full);
}

hwa_status_t hwa_program_binding(const hwa_program_t *program, uint32_t index,
                                 hwa_binding_t *binding) {
    if (program == nullptr)
        return HWA_ERROR_INVALID;
    if (index >= program->bindings.size())
        return HWA_ERROR_RANGE;
    const launch::Binding &from = program->bindings[index];
    hwa_binding_t full = HWA_INIT(hwa_binding_t);
    full.flags = from.flags;
    full.dtype = static_cast<hwa_dtype_t>(from.dtype);
    full.rank = static_cast<uint32_t>(std::min<size_t>(from.dims.size(), 8));
    std::copy_n(from.dims.begin(), full.rank, full.dims);
    full.name = from.name;
    return fill_out(binding, full);
}

void hwa_program_free(hwa_program_t *program) {
    let_go(program);
}
