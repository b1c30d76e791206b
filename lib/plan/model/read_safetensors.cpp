// SPDX-License-Identifier: MIT
// safetensors headers, streamed: 8 bytes of length, then JSON of name, dtype, shape and offsets.
#include "plan/model/read.h"

#include "base/text.h"
#include "base/units.h"
#include "os/file.h"
#include "plan/model/tally.h"

#include <algorithm>

namespace hwa::plan {

using base::JsonPull;
using base::JsonToken;
using base::Status;
using core::Dtype;
using ull = unsigned long long;

namespace {

base::JsonLimits limits_of(const HeaderBudget &budget) {
    return {.bytes = budget.bytes, .depth = 8, .values = budget.values, .string_bytes = 1 << 16};
}

/// Types by their name in the file, in bits: those below a byte come packed.
struct StoredType {
    std::string_view name;
    const char *lower;
    uint32_t bits;
    Dtype dtype;
};

constexpr StoredType stored_types[] = {
    {"BF16", "bf16", 16, Dtype::Bf16},
    {"F16", "f16", 16, Dtype::F16},
    {"F32", "f32", 32, Dtype::F32},
    {"F64", "f64", 64, Dtype::F64},
    {"F8_E4M3", "f8_e4m3", 8, Dtype::F8E4M3},
    {"F8_E5M2", "f8_e5m2", 8, Dtype::F8E5M2},
    {"F8_E8M0", "f8_e8m0", 8, Dtype::Unknown},
    {"F4", "f4", 4, Dtype::F4E2M1},
    {"F6_E2M3", "f6_e2m3", 6, Dtype::Unknown},
    {"F6_E3M2", "f6_e3m2", 6, Dtype::Unknown},
    {"I8", "i8", 8, Dtype::I8},
    {"U8", "u8", 8, Dtype::U8},
    {"I16", "i16", 16, Dtype::I16},
    {"U16", "u16", 16, Dtype::U16},
    {"I32", "i32", 32, Dtype::I32},
    {"U32", "u32", 32, Dtype::U32},
    {"I64", "i64", 64, Dtype::I64},
    {"U64", "u64", 64, Dtype::U64},
    {"BOOL", "bool", 8, Dtype::Bool},
    {"C64", "c64", 64, Dtype::C64},
};

const StoredType *find_stored(std::string_view name) {
    for (const StoredType &type : stored_types)
        if (type.name == name)
            return &type;
    return nullptr;
}

/// Scales, zero points and orders of packed weights: bytes, but no parameters.
bool is_byproduct(std::string_view name) {
    for (const std::string_view tail : {"scales", "qzeros", "g_idx", "_scale", "_scale_inv",
                                        "_scale_2", ".biases", "inv_freq", "_zero_point"})
        if (name.ends_with(tail))
            return true;
    return false;
}

class Header {
  public:
    Header(const Source &source, uint64_t length, uint32_t packed_bits, Tally &tally,
           const HeaderBudget &budget)
        : data_bytes_(source.size - 8 - length), packed_bits_(packed_bits), tally_(tally),
          json_(source.name, feed(source, length), limits_of(budget)) {}

    base::Done run();
    uint32_t values() const { return json_.values(); }

  private:
    static JsonPull::Source feed(const Source &source, uint64_t length);
    base::Error fault(const char *format, ...) const __attribute__((format(printf, 2, 3)));
    base::Result<bool> expect(JsonToken wanted, const char *what);
    base::Result<uint64_t> whole();
    base::Done tensor(const std::string &name);
    base::Done shape();
    base::Done offsets();
    base::Done account(const std::string &name);
    uint64_t parameters(const std::string &name) const;
    base::Done disjoint();

    uint64_t data_bytes_;
    uint32_t packed_bits_;
    Tally &tally_;
    JsonPull json_;
    std::vector<std::pair<uint64_t, uint64_t>> ranges_;

    // Of the tensor being read.
    const StoredType *type_ = nullptr;
    uint64_t elements_ = 0;
    uint64_t last_ = 1; ///< dimension
    uint32_t rank_ = 0;
    bool has_shape_ = false, has_offsets_ = false;
    uint64_t begin_ = 0, end_ = 0;
};

JsonPull::Source Header::feed(const Source &source, uint64_t length) {
    return [&source, at = uint64_t{8},
            left = length](std::span<char> into) mutable -> base::Result<size_t> {
        const size_t wanted = static_cast<size_t>(std::min<uint64_t>(into.size(), left));
        HWA_TRY(const size_t got, source.read(at, into.first(wanted)));
        at += got;
        left -= got;
        return got;
    };
}

base::Error Header::fault(const char *format, ...) const {
    va_list arguments;
    va_start(arguments, format);
    const std::string what = base::vformat(format, arguments);
    va_end(arguments);
    return base::error(Status::Parse, "%s: %s", json_.place().c_str(), what.c_str());
}

/// True at the wanted token; false where an array or object ends instead.
base::Result<bool> Header::expect(JsonToken wanted, const char *what) {
    HWA_TRY(const JsonToken token, json_.next());
    if (token == wanted)
        return true;
    if (token == JsonToken::ArrayEnd || token == JsonToken::ObjectEnd)
        return false;
    return fault("%s is wanted here", what);
}

base::Result<uint64_t> Header::whole() {
    const auto value = base::parse_u64(json_.text());
    if (!value)
        return fault("a whole number from 0 up is wanted here");
    return *value;
}

base::Done Header::shape() {
    HWA_TRY(const bool opened, expect(JsonToken::ArrayBegin, "an array"));
    if (!opened)
        return fault("an array is wanted here");
    has_shape_ = true;
    for (;;) {
        HWA_TRY(const bool more, expect(JsonToken::Number, "a whole number"));
        if (!more)
            return {};
        HWA_TRY(const uint64_t size, whole());
        const auto product = base::checked_mul(elements_, size);
        if (!product || *product > core::parameter_limit)
            return fault("the product of the dimensions overflows");
        elements_ = *product;
        last_ = size;
        if (++rank_ > 32)
            return fault("more than 32 dimensions");
    }
}

base::Done Header::offsets() {
    HWA_TRY(const bool opened, expect(JsonToken::ArrayBegin, "an array"));
    uint64_t ends[2] = {0, 0};
    for (uint64_t &end : ends) {
        HWA_TRY(const bool there, expect(JsonToken::Number, "a whole number"));
        if (!opened || !there)
            return fault("data_offsets is an array of two whole numbers");
        HWA_TRY(end, whole());
    }
    HWA_TRY(const bool more, expect(JsonToken::Number, "the end of the array"));
    if (more)
        return fault("data_offsets is an array of two whole numbers");
    begin_ = ends[0];
    end_ = ends[1];
    has_offsets_ = true;
    return {};
}

/// Parameters in the tensor just read: packed integers hold several each.
uint64_t Header::parameters(const std::string &name) const {
    if (is_byproduct(name))
        return 0;
    const bool integer = type_->dtype == Dtype::I32 || type_->dtype == Dtype::U32 ||
                         type_->dtype == Dtype::U8 || type_->dtype == Dtype::I8;
    if (packed_bits_ == 0 || !integer || type_->bits <= packed_bits_)
        return elements_;
    return elements_ * type_->bits / packed_bits_;
}

base::Done Header::account(const std::string &name) {
    const std::string shown = base::sanitise(name, 96);
    if (type_ == nullptr || !has_shape_ || !has_offsets_)
        return fault("tensor %s lacks dtype, shape or data_offsets", shown.c_str());
    const auto bits = base::checked_mul(elements_, type_->bits);
    if (!bits || *bits % 8 != 0)
        return fault("tensor %s is no whole number of bytes", shown.c_str());
    if (begin_ > end_ || end_ > data_bytes_)
        return fault("tensor %s lies at bytes %llu to %llu of %llu", shown.c_str(),
                     static_cast<ull>(begin_), static_cast<ull>(end_),
                     static_cast<ull>(data_bytes_));
    if (end_ - begin_ != *bits / 8)
        return fault("tensor %s takes %llu bytes by its shape and %llu by its offsets",
                     shown.c_str(), static_cast<ull>(*bits / 8), static_cast<ull>(end_ - begin_));
    if (begin_ != end_)
        ranges_.emplace_back(begin_, end_);
    const uint64_t packed = parameters(name);
    const uint64_t columns = elements_ == 0 ? 0 : last_ * (packed / elements_);
    const uint64_t rows = columns == 0 ? 0 : packed / columns;
    if (!tally_.add({name, type_->lower, type_->dtype, columns, rows, *bits / 8, rank_}))
        return fault("tensor %s is of a layer beyond %llu", shown.c_str(),
                     static_cast<ull>(core::layer_limit));
    return {};
}

base::Done Header::tensor(const std::string &name) {
    HWA_TRY(const bool opened, expect(JsonToken::ObjectBegin, "an object"));
    if (!opened)
        return fault("an object is wanted here");
    type_ = nullptr;
    elements_ = 1;
    last_ = 1;
    rank_ = 0;
    has_shape_ = has_offsets_ = false;
    for (;;) {
        HWA_TRY(const bool more, expect(JsonToken::Key, "a key"));
        if (!more)
            return account(name);
        if (json_.text() == "dtype") {
            HWA_TRY(const bool text, expect(JsonToken::Text, "a text"));
            type_ = text ? find_stored(json_.text()) : nullptr;
            if (type_ == nullptr)
                return fault("tensor %s: unknown dtype %s", base::sanitise(name, 96).c_str(),
                             base::sanitise(json_.text(), 32).c_str());
        } else if (json_.text() == "shape") {
            HWA_CHECK(shape());
        } else if (json_.text() == "data_offsets") {
            HWA_CHECK(offsets());
        } else {
            HWA_CHECK(json_.skip());
        }
    }
}

base::Done Header::disjoint() {
    std::sort(ranges_.begin(), ranges_.end());
    for (size_t i = 1; i < ranges_.size(); ++i)
        if (ranges_[i].first < ranges_[i - 1].second)
            return fault("two tensors overlap at byte %llu of the data",
                         static_cast<ull>(ranges_[i].first));
    return {};
}

base::Done Header::run() {
    HWA_TRY(const bool opened, expect(JsonToken::ObjectBegin, "an object"));
    for (;;) {
        HWA_TRY(const bool more, expect(JsonToken::Key, "a key"));
        if (!opened || !more)
            break;
        const std::string name = json_.text();
        if (name == "__metadata__") {
            HWA_CHECK(json_.skip());
            continue;
        }
        HWA_CHECK(tensor(name));
    }
    HWA_TRY(const JsonToken last, json_.next());
    if (last != JsonToken::End)
        return fault("the header ends here, and more follows");
    return disjoint();
}

} // namespace

base::Done tally_safetensors(const Source &source, uint32_t packed_bits, Tally &tally,
                             HeaderBudget &budget) {
    char bytes[8] = {};
    HWA_TRY(const size_t got, source.read(0, bytes));
    uint64_t length = 0;
    for (size_t i = 8; i-- > 0;)
        length = length << 8 | static_cast<unsigned char>(bytes[i]);
    if (got < 8 || length > source.size - 8)
        return base::error(
            Status::Parse, "%s: byte 0: a header of %llu bytes is announced in a file of %llu",
            source.name.c_str(), static_cast<ull>(length), static_cast<ull>(source.size));
    if (length > budget.bytes)
        return base::error(Status::Parse, "%s: byte 0: a header of %llu bytes; %llu are allowed",
                           source.name.c_str(), static_cast<ull>(length),
                           static_cast<ull>(budget.bytes));
    Header header(source, length, packed_bits, tally, budget);
    HWA_CHECK(header.run());
    budget.bytes -= length;
    budget.values -= header.values();
    return {};
}

} // namespace hwa::plan
