// SPDX-License-Identifier: MIT
// Rounding of an f32 dot product of n terms grows like sqrt(n) units (Higham, Accuracy and
// Stability of Numerical Algorithms, 3.1); the projection is Freivalds's check.
#include "gemm.h"

#include <algorithm>
#include <cmath>

namespace hwa::tool {

namespace {

constexpr uint32_t full_size = 256; ///< up to here, every entry is summed anew
constexpr uint32_t sample = 2048;   ///< entries of larger products
constexpr double unit = 0x1p-24;    ///< rounding of one f32 operation

/// SplitMix64, by Steele, Lea and Flood.
uint64_t next(uint64_t &state) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

struct Product {
    const std::vector<float> &a;
    const std::vector<float> &b;
    const std::vector<float> &c;
    size_t size;

    /// Error of one entry in the measure of Check::error; not a number if the entry is none.
    double entry_error(size_t row, size_t column) const {
        double sum = 0;
        double scale = 0;
        for (size_t k = 0; k < size; ++k) {
            const double term =
                static_cast<double>(a[row * size + k]) * static_cast<double>(b[k * size + column]);
            sum += term;
            scale += std::fabs(term);
        }
        return std::fabs(static_cast<double>(c[row * size + column]) - sum) /
               std::max(scale, 1e-300);
    }

    /// Whether c r = a (b r), row by row, within what rounding explains.
    bool projects(double allowed) const {
        std::vector<double> signs(size);
        std::vector<double> image(size);
        std::vector<double> bulk(size);
        uint64_t state = 7;
        for (double &sign : signs)
            sign = (next(state) & 1) != 0 ? 1 : -1;
        for (size_t k = 0; k < size; ++k)
            for (size_t j = 0; j < size; ++j) {
                const auto value = static_cast<double>(b[k * size + j]);
                image[k] += value * signs[j];
                bulk[k] += std::fabs(value);
            }
        for (size_t i = 0; i < size; ++i) {
            double difference = 0;
            double scale = 0;
            for (size_t k = 0; k < size; ++k) {
                const auto value = static_cast<double>(a[i * size + k]);
                difference += static_cast<double>(c[i * size + k]) * signs[k] - value * image[k];
                scale += std::fabs(value) * bulk[k];
            }
            if (!(std::fabs(difference) <= allowed * scale))
                return false;
        }
        return true;
    }
};

} // namespace

std::vector<float> random_numbers(size_t count, uint64_t seed) {
    std::vector<float> values(count);
    for (float &value : values)
        value = static_cast<float>(static_cast<double>(next(seed) >> 40) * 0x1p-23 - 1);
    return values;
}

Check check_product(const std::vector<float> &a, const std::vector<float> &b,
                    const std::vector<float> &c, uint32_t size) {
    const Product product{a, b, c, size};
    Check check;
    check.whole = size <= full_size;
    check.allowed = 8 * std::sqrt(static_cast<double>(size)) * unit;
    check.entries = check.whole ? uint64_t{size} * size : sample;
    check.right = true;
    uint64_t state = 11;
    for (uint64_t i = 0; i < check.entries; ++i) {
        const uint64_t entry = check.whole ? i : next(state) % (uint64_t{size} * size);
        const double error = product.entry_error(entry / size, entry % size);
        // Written so that what is not a number is wrong, and stays the largest.
        check.right = check.right && error <= check.allowed;
        if (!(error <= check.error))
            check.error = error;
    }
    // In a row, the roundings of its entries add up like their square root, their scales in full.
    if (check.right && !check.whole)
        check.right = product.projects(check.allowed / std::sqrt(static_cast<double>(size)));
    return check;
}

} // namespace hwa::tool
