// SPDX-License-Identifier: MIT
// The operations in a table; vectors are computed anew in double precision, element by element.
#include "work.h"

#include "text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

namespace hwa::tool {

namespace {

constexpr uint32_t million = 1u << 20;
constexpr uint32_t largest_vector = 1u << 28;

constexpr Operation all_operations[] = {
    {"gemm", "C = A · B", 3, 0, 1024, 32768, 0},
    {"axpby", "Z = X + Y", 3, 3, million, largest_vector, 0x1p-23},
    {"copy", "Y = X", 2, 2, million, largest_vector, 0},
    {"fill", "Y = 0.1", 1, 1, million, largest_vector, 0},
    {"reduce", "Y = ΣX", 2, 1, million, largest_vector, 0x1p-23},
};

bool is_sum(const Operation &operation) {
    return operation.name == std::string_view("reduce");
}

/// A sum in double precision that keeps what each step rounds off (Kahan's, as Neumaier has it).
class Sum {
  public:
    void add(double value) {
        const double next = sum_ + value;
        lost_ += std::fabs(sum_) >= std::fabs(value) ? sum_ - next + value : value - next + sum_;
        sum_ = next;
    }
    double value() const { return sum_ + lost_; }

  private:
    double sum_ = 0;
    double lost_ = 0;
};

void look_at(Check &check, double result, double exact, double scale) {
    const double error = std::fabs(result - exact) / std::max(scale, 1e-300);
    // Written so that what is not a number is wrong, and stays the largest.
    check.right = check.right && error <= check.allowed;
    if (!(error <= check.error))
        check.error = error;
}

/// docs/ops.md promises the scale.
void look_at_sum(Check &check, const Work &work) {
    Sum sum;
    Sum bulk;
    for (const float value : work.data[0]) {
        sum.add(static_cast<double>(value));
        bulk.add(std::fabs(static_cast<double>(value)));
    }
    look_at(check, static_cast<double>(work.data[1][0]), sum.value(),
            std::fabs(sum.value()) + 0.001 * bulk.value());
}

void look_at_elements(Check &check, const Work &work) {
    const std::vector<float> &result = work.data.back();
    for (size_t i = 0; i < result.size(); ++i) {
        const double x = static_cast<double>(work.data.size() > 1 ? work.data[0][i] : fill_value);
        const double y = static_cast<double>(work.data.size() > 2 ? work.data[1][i] : 0);
        look_at(check, static_cast<double>(result[i]), x + y, std::fabs(x) + std::fabs(y));
    }
}

} // namespace

const Operation *find_operation(const std::string &name) {
    const auto *const found =
        std::find_if(std::begin(all_operations), std::end(all_operations),
                     [&name](const Operation &operation) { return operation.name == name; });
    return found == std::end(all_operations) ? nullptr : found;
}

std::string operation_names() {
    std::vector<std::string> names;
    for (const Operation &operation : all_operations)
        names.emplace_back(operation.name);
    return join(names);
}

void Work::forget() {
    std::fill(data.back().begin(), data.back().end(), std::numeric_limits<float>::quiet_NaN());
}

std::string Work::title() const {
    return is_product()
               ? format("%s, %u × %u × %u, f32", operation->name, size, size, size)
               : format("%s, %u element%s, f32", operation->name, size, size == 1 ? "" : "s");
}

double Work::amount() const {
    return is_product() ? 2 * std::pow(size, 3) : 1.0 * operation->passes * size * sizeof(float);
}

Work make_work(const Operation &operation, uint32_t size) {
    Work work{&operation, size, {}};
    const size_t count = work.is_product() ? size_t{size} * size : size;
    for (uint32_t i = 0; i + 1 < operation.buffers; ++i)
        work.data.push_back(random_numbers(count, i + 1));
    work.data.emplace_back(is_sum(operation) ? 1 : count);
    work.forget();
    return work;
}

Check check(const Work &work) {
    if (work.is_product())
        return check_product(work.data[0], work.data[1], work.data[2], work.size);
    Check check;
    check.allowed = work.operation->unit_error;
    check.entries = work.data.back().size();
    check.whole = check.right = true;
    if (is_sum(*work.operation))
        look_at_sum(check, work);
    else
        look_at_elements(check, work);
    return check;
}

} // namespace hwa::tool
