// SPDX-License-Identifier: MIT
// Products on NVIDIA devices by cuBLASLt, which takes the stream with each call and keeps nothing
// for itself. It lays matrices out by columns: what is asked for here by rows is there the product
// of the transposed matrices in the other order. Document: cuBLAS of CUDA 13, chapter 3.
#include "api/cublas.h"
#include "base/text.h"
#include "launch/gemm.h"
#include "launch/kernels.h"
#include "os/caller.h"

#include <mutex>

namespace hwa::launch {
namespace {

using base::Status;
using core::Dtype;

/// What its document recommends for Hopper; smaller devices are asked for less by the library.
constexpr uint64_t workspace_limit = 32u << 20;

/// A library of a folder, opened when the first product asks for it and kept.
struct Opened {
    const char *soname;
    std::string directory;
    base::Result<api::Cublas> cublas;
    const Opened *next;
};

const base::Result<api::Cublas> &opened(const char *soname, const std::string &directory) {
    static std::mutex mutex;
    static const Opened *first = nullptr;
    const std::lock_guard lock(mutex);
    for (const Opened *one = first; one != nullptr; one = one->next)
        if (one->soname == soname && one->directory == directory)
            return one->cublas;
    const os::CallerState state;
    first = new Opened{soname, directory, api::load_cublas(soname, directory), first};
    return first->cublas;
}

/// How a format is told to the library. Sums and factors are f32, or f64 for f64.
struct Format {
    Dtype dtype;
    cudaDataType_t type;
    cudaDataType_t scale;
    cublasComputeType_t compute;
};
constexpr Format formats[] = {
    {Dtype::F32, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_PEDANTIC},
    {Dtype::F64, CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F},
    {Dtype::F16, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F},
    {Dtype::Bf16, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F},
};

/// Products whose matrices all start at a multiple of this many bytes; 0: of an element.
constexpr uint32_t alignments[] = {256, 16, 0};

struct Algorithm {
    bool there = false;
    uint32_t alignment = 0;
    cublasLtMatmulAlgo_t algo{};
    uint64_t workspace_bytes = 0;
};

#define HWA_LT(call, code)                                                                         \
    do {                                                                                           \
        if (const cublasStatus_t code_ = (code); code_ != CUBLAS_STATUS_SUCCESS)                   \
            return failure(call, code_);                                                           \
    } while (false)

class Product final : public LibraryWork {
  public:
    Product(const api::Cublas &cublas, const Gemm &gemm, const Format &format)
        : lt_(cublas), gemm_(gemm), format_(format), factors_{real_bytes(scale(), gemm.alpha),
                                                              real_bytes(scale(), gemm.beta)} {}

    ~Product() override {
        for (cublasLtMatrixLayout_t layout : {left_, right_, result_})
            if (layout != nullptr)
                lt_.cublasLtMatrixLayoutDestroy(layout);
        if (desc_ != nullptr)
            lt_.cublasLtMatmulDescDestroy(desc_);
        if (handle_ != nullptr)
            lt_.cublasLtDestroy(handle_);
    }

    base::Done prepare() override {
        HWA_LT("cublasLtCreate", lt_.cublasLtCreate(&handle_));
        const bool fast = format_.dtype == Dtype::F32 && gemm_.allow_tf32;
        HWA_LT("cublasLtMatmulDescCreate",
               lt_.cublasLtMatmulDescCreate(
                   &desc_, fast ? CUBLAS_COMPUTE_32F_FAST_TF32 : format_.compute, format_.scale));
        HWA_CHECK(transpose(CUBLASLT_MATMUL_DESC_TRANSA, gemm_.transpose_b));
        HWA_CHECK(transpose(CUBLASLT_MATMUL_DESC_TRANSB, gemm_.transpose_a));
        // Rows of ours are columns of theirs, and B stands on the left.
        HWA_CHECK(lay_out(left_, gemm_.transpose_b ? gemm_.k : gemm_.n,
                          gemm_.transpose_b ? gemm_.n : gemm_.k, gemm_.ldb));
        HWA_CHECK(lay_out(right_, gemm_.transpose_a ? gemm_.m : gemm_.k,
                          gemm_.transpose_a ? gemm_.k : gemm_.m, gemm_.lda));
        HWA_CHECK(lay_out(result_, gemm_.n, gemm_.m, gemm_.ldc));
        for (size_t i = 0; i < std::size(alignments); ++i)
            HWA_CHECK(choose(alignments[i] == 0 ? static_cast<uint32_t>(gemm_.element_bytes())
                                                : alignments[i],
                             algorithms_[i]));
        if (!algorithms_[std::size(alignments) - 1].there)
            return base::error(Status::Unsupported, "cuBLASLt has no algorithm for this product");
        return {};
    }

    /// What the algorithm that needs most wants to work in.
    uint64_t workspace_bytes() const {
        uint64_t bytes = 0;
        for (const Algorithm &one : algorithms_)
            bytes = std::max(bytes, one.workspace_bytes);
        return bytes;
    }

    base::Done enqueue(void *native, std::span<const uint64_t> addresses) override {
        const auto at = [&](size_t i) { return reinterpret_cast<void *>(addresses[i]); };
        const uint64_t all = addresses[0] | addresses[1] | addresses[2];
        const Algorithm *chosen = nullptr;
        for (const Algorithm &one : algorithms_)
            if (chosen == nullptr && one.there && all % one.alignment == 0)
                chosen = &one;
        if (chosen == nullptr)
            return base::error(Status::Invalid, "a matrix starts within an element");
        void *workspace = chosen->workspace_bytes != 0 ? at(3) : nullptr;
        HWA_LT("cublasLtMatmul",
               lt_.cublasLtMatmul(handle_, desc_, factors_[0].data(), at(1), left_, at(0), right_,
                                  factors_[1].data(), at(2), result_, at(2), result_, &chosen->algo,
                                  workspace, chosen->workspace_bytes, native));
        return {};
    }

  private:
    Dtype scale() const { return format_.dtype == Dtype::F64 ? Dtype::F64 : Dtype::F32; }

    base::Error failure(const char *call, cublasStatus_t status) const {
        const Status kind = status == CUBLAS_STATUS_ALLOC_FAILED      ? Status::DeviceMemory
                            : status == CUBLAS_STATUS_NOT_SUPPORTED   ? Status::Unsupported
                            : status == CUBLAS_STATUS_ARCH_MISMATCH   ? Status::Unavailable
                            : status == CUBLAS_STATUS_NOT_INITIALIZED ? Status::Unavailable
                                                                      : Status::Driver;
        base::Error why =
            base::error(kind, "%s answered %s (%d)", call, lt_.status_name(status), status);
        why.code = status;
        why.backend = "cuda";
        return why;
    }

    base::Done transpose(cublasLtMatmulDescAttributes_t which, bool transposed) {
        const int32_t operation = transposed ? 1 : 0;
        HWA_LT("cublasLtMatmulDescSetAttribute",
               lt_.cublasLtMatmulDescSetAttribute(desc_, which, &operation, sizeof operation));
        return {};
    }

    base::Done lay_out(cublasLtMatrixLayout_t &layout, uint64_t rows, uint64_t columns,
                       uint64_t leading) {
        HWA_LT("cublasLtMatrixLayoutCreate",
               lt_.cublasLtMatrixLayoutCreate(&layout, format_.type, rows, columns,
                                              static_cast<int64_t>(leading)));
        return {};
    }

    base::Done choose(uint32_t alignment, Algorithm &into) {
        cublasLtMatmulPreference_t preference = nullptr;
        HWA_LT("cublasLtMatmulPreferenceCreate", lt_.cublasLtMatmulPreferenceCreate(&preference));
        const base::Done done = search(preference, alignment, into);
        lt_.cublasLtMatmulPreferenceDestroy(preference);
        return done;
    }

    /// That there is none for an alignment is no failure.
    base::Done search(cublasLtMatmulPreference_t preference, uint32_t alignment, Algorithm &into) {
        constexpr auto set = "cublasLtMatmulPreferenceSetAttribute";
        const uint64_t limit = workspace_limit;
        HWA_LT(set,
               lt_.cublasLtMatmulPreferenceSetAttribute(
                   preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &limit, sizeof limit));
        for (const auto which : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                 CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                 CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                                 CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
            HWA_LT(set, lt_.cublasLtMatmulPreferenceSetAttribute(preference, which, &alignment,
                                                                 sizeof alignment));
        cublasLtMatmulHeuristicResult_t found{};
        int count = 0;
        const cublasStatus_t status = lt_.cublasLtMatmulAlgoGetHeuristic(
            handle_, desc_, left_, right_, result_, result_, preference, 1, &found, &count);
        if (status != CUBLAS_STATUS_NOT_SUPPORTED)
            HWA_LT("cublasLtMatmulAlgoGetHeuristic", status);
        if (status == CUBLAS_STATUS_SUCCESS && count > 0 && found.state == CUBLAS_STATUS_SUCCESS)
            into = {true, alignment, found.algo, found.workspaceSize};
        return {};
    }

    const api::Cublas &lt_;
    Gemm gemm_;
    Format format_;
    std::vector<std::byte> factors_[2];
    cublasLtHandle_t handle_ = nullptr;
    cublasLtMatmulDesc_t desc_ = nullptr;
    cublasLtMatrixLayout_t left_ = nullptr;
    cublasLtMatrixLayout_t right_ = nullptr;
    cublasLtMatrixLayout_t result_ = nullptr;
    Algorithm algorithms_[std::size(alignments)];
};

base::Result<Operation> make(const OpRequest &request, const api::Cublas &cublas, const Gemm &gemm,
                             const Format &format) {
    Operation made;
    HWA_TRY(made.bindings, gemm_bindings(gemm));
    const auto product = std::make_shared<Product>(cublas, gemm, format);
    CodeRequest code;
    code.kind = core::Code::Host;
    code.library = product;
    HWA_TRY(made.program, request.queue->build(code, *request.log));
    if (const uint64_t bytes = product->workspace_bytes(); bytes != 0) {
        MemoryRequest wanted;
        wanted.size_bytes = bytes;
        HWA_TRY(made.scratch, request.queue->allocate(wanted));
        made.scratch_bytes = bytes;
    }
    made.provider = "cublaslt " + cublas.version;
    return made;
}

} // namespace

base::Result<Operation> gemm_cublas(const OpRequest &request) {
    HWA_TRY(const Gemm gemm, read_gemm(request.attrs));
    const Format *format = nullptr;
    for (const Format &row : formats)
        if (row.dtype == gemm.dtype)
            format = &row;
    if (format == nullptr)
        return base::error(Status::Unsupported, "does not multiply %s",
                           core::dtype_name(gemm.dtype));
    // Its document does not say that what is no number in A and B then goes unseen.
    if (gemm.alpha == 0)
        return base::error(Status::Unsupported, "does not promise to leave A and B unread");
    // The next one is asked where one is not there, lacks a function or does not start here.
    base::Error why;
    for (const char *soname : api::cublas_sonames) {
        const auto &cublas = opened(soname, request.library_path);
        auto made = cublas ? make(request, *cublas, gemm, *format) : cublas.error();
        if (made || (cublas && made.error().status != Status::Unavailable))
            return made;
        if (why.message.empty() || cublas || made.error().status == Status::Unsupported)
            why = std::move(made.error());
    }
    return why;
}

} // namespace hwa::launch
