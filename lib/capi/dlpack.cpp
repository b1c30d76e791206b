// SPDX-License-Identifier: MIT
// DLPack: buffers as tensors of other libraries, and the other way round.
//
// Document: DLPack 1.1, dlpack.h and the "Python Specification for DLPack".
#include "capi/entry.h"
#include "capi/launch.h"
#include "capi/tensor.h"

#include "base/units.h"

#include <algorithm>
#include <optional>

namespace hwa::capi {

using base::Status;
using core::Dtype;

/// The version that is written into what is handed out; any minor one is taken.
static constexpr DLPackVersion version = {1, 1};

/// More dimensions than any library has.
static constexpr int32_t rank_limit = 64;

namespace {

/// The devices of a runtime in DLPack's terms.
struct Place {
    std::string_view runtime;
    int32_t device_type;
    bool address; ///< whether its handle is one, to which an offset can be added
};

} // namespace

static constexpr Place places[] = {
    {"cuda", kDLCUDA, true},
    {"opencl", kDLOpenCL, false},
    {"vulkan", kDLVulkan, false},
};

static const Place *find_place(std::string_view runtime) {
    for (const Place &place : places)
        if (place.runtime == runtime)
            return &place;
    return nullptr;
}

namespace {

/// What a managed tensor holds while another library has it.
template <class Managed> struct Lent {
    QueuePtr queue; // goes last
    std::shared_ptr<launch::Memory> memory;
    std::vector<int64_t> shape;
    std::vector<int64_t> strides;
    Managed tensor = {};

    static void end(Managed *tensor) noexcept {
        if (tensor != nullptr)
            let_go(static_cast<Lent *>(tensor->manager_ctx));
    }
};

/// A tensor of another library, in the form that both have, while this one uses it.
struct Borrowed {
    void *tensor;
    void (*end)(void *tensor);
    bool taken = false; ///< it is the caller's until all has gone well

    static void release(void *user) noexcept {
        const std::unique_ptr<Borrowed> self(static_cast<Borrowed *>(user));
        if (self->taken)
            self->end(self->tensor);
    }
};

} // namespace

/// Row by row where none are given; newer versions of DLPack want strides even there.
static std::vector<int64_t> strides_of(const std::vector<int64_t> &shape, const int64_t *given) {
    if (given != nullptr)
        return std::vector<int64_t>(given, given + shape.size());
    std::vector<int64_t> strides(shape.size());
    uint64_t row = 1; // wraps around only where a dimension is 0, and then it means nothing
    for (size_t i = shape.size(); i-- > 0; row *= static_cast<uint64_t>(shape[i]))
        strides[i] = static_cast<int64_t>(row);
    return strides;
}

static base::Result<std::vector<int64_t>> shape_of(const hwa_arg_t &given, uint64_t room,
                                                   const Format &format) {
    const uint64_t count = format.bits < 8 ? room * (8u / format.bits) : room / (format.bits / 8u);
    if (given.shape == nullptr)
        return std::vector<int64_t>{static_cast<int64_t>(count)};
    if (given.rank > static_cast<uint32_t>(rank_limit))
        return base::error(Status::Invalid, "tensor.rank is %u, more than %d", given.rank,
                           rank_limit);
    return std::vector<int64_t>(given.shape, given.shape + given.rank);
}

/// The part of its buffer that the tensor may cover begins `before` and ends `room` bytes from its
/// first element.
static base::Done check_extent(const Extent &extent, uint64_t before, uint64_t room) {
    if (extent.before <= before && extent.after <= room)
        return {};
    return base::error(Status::Range,
                       "the tensor takes %llu bytes before its first element and %llu from it on, "
                       "where there are %llu and %llu",
                       static_cast<unsigned long long>(extent.before),
                       static_cast<unsigned long long>(extent.after),
                       static_cast<unsigned long long>(before),
                       static_cast<unsigned long long>(room));
}

/// Says where the memory is and how to reach its first element.
static base::Done locate(const hwa_buffer_t &buffer, uint64_t offset, DLTensor &tensor) {
    if (void *host = buffer.memory->host(); host != nullptr) {
        tensor.device = {kDLCPU, 0};
        tensor.data = static_cast<std::byte *>(host) + offset;
        return {};
    }
    const QueueState &state = *buffer.queue;
    const Place *place = find_place(state.row->name);
    if (place == nullptr)
        return base::error(Status::Unsupported, "DLPack has no device for the runtime %s",
                           state.row->name.c_str());
    const uint64_t native = buffer.memory->native() + (place->address ? offset : 0);
    tensor.device = {place->device_type, std::max(state.queue->ordinal(), 0)};
    tensor.data = reinterpret_cast<void *>(static_cast<uintptr_t>(native));
    tensor.byte_offset = place->address ? 0 : offset;
    return {};
}

/// The common half of both forms of lending.
template <class Managed> static base::Result<Managed *> lend(const hwa_arg_t &given) {
    hwa_buffer_t &buffer = *given.buffer;
    HWA_CHECK(enter(*buffer.queue));
    HWA_TRY(const Format format, format_of(static_cast<Dtype>(number(given.dtype))));
    if (given.offset >= buffer.size_bytes)
        return base::error(Status::Range, "tensor.offset %llu is past a buffer of %llu bytes",
                           static_cast<unsigned long long>(given.offset),
                           static_cast<unsigned long long>(buffer.size_bytes));
    const bool whole = given.size_bytes == 0;
    const uint64_t room = whole ? buffer.size_bytes - given.offset : given.size_bytes;
    HWA_CHECK(check_range(buffer, "tensor", given.offset, room));
    auto lent = std::make_unique<Lent<Managed>>();
    HWA_TRY(lent->shape, shape_of(given, room, format));
    const int64_t *const strides = given.shape == nullptr ? nullptr : given.strides;
    HWA_TRY(const Extent extent, extent_of(lent->shape, strides, format));
    HWA_CHECK(check_extent(extent, whole ? given.offset : 0, room));
    lent->strides = strides_of(lent->shape, strides);
    DLTensor &tensor = lent->tensor.dl_tensor;
    if (extent.after != 0)
        HWA_CHECK(locate(buffer, given.offset, tensor));
    else
        tensor.device = {kDLCPU, 0}; // nothing is nowhere
    HWA_CHECK(settle(*buffer.queue, buffer.memory));
    tensor.ndim = static_cast<int32_t>(lent->shape.size());
    tensor.dtype = {format.code, format.bits, 1};
    tensor.shape = lent->shape.data();
    tensor.strides = lent->strides.data();
    lent->queue = buffer.queue;
    lent->memory = buffer.memory;
    lent->tensor.manager_ctx = lent.get();
    lent->tensor.deleter = Lent<Managed>::end;
    return &lent.release()->tensor;
}

static base::Done check_tensor(const hwa_arg_t *given) {
    if (given == nullptr)
        return null_argument("tensor");
    if (given->buffer == nullptr)
        return null_argument("tensor.buffer");
    return {};
}

namespace {

/// Where the memory of a tensor is, for a new buffer.
struct Site {
    void *host = nullptr;
    uint64_t native = 0;
    uint64_t offset = 0; ///< of the first element
    uint64_t size_bytes = 0;
};

} // namespace

static bool is_host(int32_t device_type) {
    return device_type == kDLCPU || device_type == kDLCUDAHost || device_type == kDLROCMHost;
}

/// The alignment that C asks of an element; that of a complex number is its parts'.
static uint64_t alignment_of(const Format &format) {
    const uint64_t bytes = base::divide_up(format.bits, 8);
    return format.code == kDLComplex ? bytes / 2 : bytes;
}

static base::Result<Site> site_at(const DLTensor &tensor, const Extent &extent,
                                  const Format &format, bool host) {
    const auto data = reinterpret_cast<uintptr_t>(tensor.data);
    const auto first = base::checked_add(data, tensor.byte_offset);
    const auto end = first ? base::checked_add(*first, extent.after) : std::nullopt;
    if (!end || *first < extent.before)
        return base::error(Status::Invalid, "the tensor lies past the end of memory");
    if (*first % alignment_of(format) != 0)
        return base::error(
            Status::Unsupported, "the tensor's address is not a multiple of %llu, as %s needs it",
            static_cast<unsigned long long>(alignment_of(format)), core::dtype_name(format.dtype));
    Site site;
    site.offset = extent.before;
    site.size_bytes = extent.before + extent.after;
    if (host)
        site.host = reinterpret_cast<void *>(static_cast<uintptr_t>(*first - extent.before));
    else
        site.native = *first - extent.before;
    return site;
}

/// A handle stands for memory from its first byte on.
static base::Result<Site> site_of_handle(const DLTensor &tensor, const Extent &extent) {
    const auto size = base::checked_add(tensor.byte_offset, extent.after);
    if (!size || tensor.byte_offset < extent.before)
        return base::error(Status::Invalid, "the tensor reaches past its memory");
    Site site;
    site.native = reinterpret_cast<uintptr_t>(tensor.data);
    site.offset = tensor.byte_offset;
    site.size_bytes = *size;
    return site;
}

static base::Result<Site> site_of(const QueueState &state, const DLTensor &tensor,
                                  const Extent &extent, const Format &format) {
    if (extent.after == 0)
        return base::error(Status::Unsupported, "the tensor has no elements");
    if (tensor.data == nullptr)
        return base::error(Status::Invalid, "the tensor has elements and no data");
    const auto type = static_cast<int32_t>(tensor.device.device_type);
    if (is_host(type))
        return site_at(tensor, extent, format, true);
    const Place *place = find_place(state.row->name);
    if (type == kDLCUDAManaged) // for the host and for CUDA alike
        return site_at(tensor, extent, format, place == nullptr || place->device_type != kDLCUDA);
    if (place == nullptr || place->device_type != type)
        return base::error(Status::Unsupported,
                           "the tensor is on a device of DLPack's type %d, which %s cannot use",
                           type, state.row->name.c_str());
    const int32_t here = state.queue->ordinal();
    if (here >= 0 && here != tensor.device.device_id)
        return base::error(Status::Unsupported, "the tensor is on device %d, the queue on %d",
                           tensor.device.device_id, here);
    return place->address ? site_at(tensor, extent, format, false) : site_of_handle(tensor, extent);
}

namespace {

/// A tensor to be borrowed, in what both forms have.
struct Offer {
    void *tensor;
    const DLTensor &facts;
    void (*end)(void *tensor);
    bool read_only;
};

} // namespace

/// Fills what makes a buffer of it, and the view.
static base::Done describe(const QueueState &state, const DLTensor &tensor, hwa_buffer_desc_t &desc,
                           hwa_arg_t &view) {
    if (tensor.ndim < 0 || tensor.ndim > rank_limit)
        return base::error(Status::Invalid, "the tensor has %d dimensions", tensor.ndim);
    const auto rank = static_cast<uint32_t>(tensor.ndim);
    if (rank != 0 && tensor.shape == nullptr)
        return base::error(Status::Invalid, "the tensor has %u dimensions and no shape", rank);
    HWA_TRY(const Format format, format_of(tensor.dtype));
    HWA_TRY(const Extent extent, extent_of(std::span(tensor.shape, rank), tensor.strides, format));
    HWA_TRY(const Site site, site_of(state, tensor, extent, format));
    desc.host = site.host;
    desc.native = site.native;
    desc.size_bytes = site.size_bytes;
    view.offset = site.offset;
    view.shape = tensor.shape;
    view.strides = tensor.strides;
    view.rank = rank;
    view.dtype = static_cast<hwa_dtype_t>(format.dtype);
    return {};
}

/// The common half of both forms of borrowing.
static hwa_status_t borrow(hwa_queue_t *queue, const Offer &offer, hwa_buffer_t **out_buffer,
                           hwa_arg_t *view, hwa_error_t *error) noexcept {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_arg_t found = {};
    const hwa_status_t status = guarded(error, [&]() -> base::Done {
        if (queue == nullptr)
            return null_argument("queue");
        HWA_CHECK(describe(*queue->queue, offer.facts, desc, found));
        desc.flags = offer.read_only ? HWA_BUFFER_READ_ONLY : 0;
        desc.release = Borrowed::release;
        desc.release_user = new Borrowed{offer.tensor, offer.end};
        return {};
    });
    if (status != HWA_OK)
        return status;
    const hwa_status_t made = hwa_buffer_create(queue, &desc, out_buffer, error);
    if (made != HWA_OK)
        return made;
    static_cast<Borrowed *>(desc.release_user)->taken = true;
    found.buffer = *out_buffer;
    if (view != nullptr)
        *view = found;
    return HWA_OK;
}

template <class Managed> static void end_foreign(void *user) {
    auto *const tensor = static_cast<Managed *>(user);
    if (tensor->deleter != nullptr)
        tensor->deleter(tensor);
}

static base::Done check_version(const DLManagedTensorVersioned &tensor) {
    if (tensor.version.major != version.major)
        return base::error(Status::Unsupported, "the tensor is of DLPack %u.%u, not of version %u",
                           tensor.version.major, tensor.version.minor, version.major);
    if ((tensor.flags & DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED) != 0 &&
        tensor.dl_tensor.dtype.bits < 8)
        return base::error(Status::Unsupported, "elements of %u bits with a byte to each",
                           tensor.dl_tensor.dtype.bits);
    return {};
}

/// Clears what is handed out, and checks that it can be.
static base::Done prepare(const void *tensor, hwa_buffer_t **out_buffer, hwa_arg_t *view) {
    if (out_buffer != nullptr)
        *out_buffer = nullptr;
    if (view != nullptr)
        *view = hwa_arg_t{};
    if (tensor == nullptr)
        return null_argument("tensor");
    if (out_buffer == nullptr)
        return null_argument("out_buffer");
    return {};
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_buffer_to_dlpack(const hwa_arg_t *tensor, DLManagedTensorVersioned **out_tensor,
                                  hwa_error_t *error) {
    if (out_tensor != nullptr)
        *out_tensor = nullptr;
    return guarded(error, [&]() -> base::Done {
        HWA_CHECK(check_tensor(tensor));
        if (out_tensor == nullptr)
            return null_argument("out_tensor");
        HWA_TRY(DLManagedTensorVersioned *const made, lend<DLManagedTensorVersioned>(*tensor));
        made->version = version;
        made->flags = tensor->buffer->read_only ? DLPACK_FLAG_BITMASK_READ_ONLY : 0;
        *out_tensor = made;
        return {};
    });
}

hwa_status_t hwa_buffer_to_dlpack_legacy(const hwa_arg_t *tensor, DLManagedTensor **out_tensor,
                                         hwa_error_t *error) {
    if (out_tensor != nullptr)
        *out_tensor = nullptr;
    return guarded(error, [&]() -> base::Done {
        HWA_CHECK(check_tensor(tensor));
        if (out_tensor == nullptr)
            return null_argument("out_tensor");
        if (tensor->buffer->read_only)
            return base::error(Status::Unsupported,
                               "a legacy tensor cannot say that its memory is read-only");
        HWA_TRY(*out_tensor, lend<DLManagedTensor>(*tensor));
        return {};
    });
}

hwa_status_t hwa_buffer_from_dlpack(hwa_queue_t *queue, DLManagedTensorVersioned *tensor,
                                    hwa_buffer_t **out_buffer, hwa_arg_t *view,
                                    hwa_error_t *error) {
    const hwa_status_t ready = guarded(error, [&]() -> base::Done {
        HWA_CHECK(prepare(tensor, out_buffer, view));
        return check_version(*tensor);
    });
    if (ready != HWA_OK)
        return ready;
    const bool read_only = (tensor->flags & DLPACK_FLAG_BITMASK_READ_ONLY) != 0;
    const Offer offer = {tensor, tensor->dl_tensor, end_foreign<DLManagedTensorVersioned>,
                         read_only};
    return borrow(queue, offer, out_buffer, view, error);
}

hwa_status_t hwa_buffer_from_dlpack_legacy(hwa_queue_t *queue, DLManagedTensor *tensor,
                                           hwa_buffer_t **out_buffer, hwa_arg_t *view,
                                           hwa_error_t *error) {
    const hwa_status_t ready = guarded(error, [&] { return prepare(tensor, out_buffer, view); });
    if (ready != HWA_OK)
        return ready;
    const Offer offer = {tensor, tensor->dl_tensor, end_foreign<DLManagedTensor>, false};
    return borrow(queue, offer, out_buffer, view, error);
}
