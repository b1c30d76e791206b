// SPDX-License-Identifier: MIT
// The parts of the tool that no run shows at their limits: the proof of a product, numbers, text.
#include "check.h"

#include "gemm.h"
#include "json.h"
#include "text.h"
#include "units.h"
#include "work.h"

#include <cmath>
#include <limits>

using namespace hwa::tool;

static std::vector<float> multiply(const std::vector<float> &a, const std::vector<float> &b,
                                   uint32_t size) {
    std::vector<float> c(a.size());
    for (size_t i = 0; i < size; ++i)
        for (size_t k = 0; k < size; ++k)
            for (size_t j = 0; j < size; ++j)
                c[i * size + j] += a[i * size + k] * b[k * size + j];
    return c;
}

static void products(void **) {
    for (const uint32_t size : {1u, 7u, 256u, 300u}) {
        const std::vector<float> a = random_numbers(size_t{size} * size, 1);
        const std::vector<float> b = random_numbers(size_t{size} * size, 2);
        const std::vector<float> right = multiply(a, b, size);
        assert_true(check_product(a, b, right, size).right);
        for (const size_t entry : {size_t{0}, right.size() / 2, right.size() - 1}) {
            std::vector<float> wrong = right;
            wrong[entry] += 0.01f * static_cast<float>(size);
            assert_false(check_product(a, b, wrong, size).right);
            wrong[entry] = std::numeric_limits<float>::quiet_NaN();
            assert_false(check_product(a, b, wrong, size).right);
        }
        const std::vector<float> nothing(right.size());
        assert_false(check_product(a, b, nothing, size).right);
    }
}

/// What the right result of an operation is, and what becomes of it.
static void vectors(void **) {
    for (const char *name : {"axpby", "copy", "fill", "reduce"}) {
        for (const uint32_t size : {1u, 1000u}) {
            Work work = make_work(*find_operation(name), size);
            assert_false(check(work).right);
            std::vector<float> &result = work.data.back();
            const bool one_input = work.data.size() == 2;
            double sum = 0;
            for (size_t i = 0; i < size; ++i) {
                const float x = work.data.size() > 1 ? work.data[0][i] : fill_value;
                sum += static_cast<double>(x);
                if (result.size() == size)
                    result[i] = work.data.size() > 2 ? x + work.data[1][i] : x;
            }
            if (one_input && result.size() == 1)
                result[0] = static_cast<float>(sum);
            assert_true(check(work).right);
            const float right = result.back();
            for (const float wrong : {right * 1.001f, right + 1, 0.0f, NAN}) {
                result.back() = wrong;
                assert_false(check(work).right);
            }
            result.back() = right;
            assert_true(check(work).right);
        }
    }
    assert_null(find_operation("sort"));
    assert_string_equal(make_work(*find_operation("gemm"), 8).title().c_str(),
                        "gemm, 8 × 8 × 8, f32");
    assert_true(make_work(*find_operation("axpby"), 8).amount() == 96);
}

static void numbers(void **) {
    assert_string_equal(bytes(0).c_str(), unknown);
    assert_string_equal(bytes(1).c_str(), "1 B");
    assert_string_equal(bytes(1023).c_str(), "1023 B");
    assert_string_equal(bytes(1048575).c_str(), "1.00 MiB");
    assert_string_equal(bytes(UINT64_MAX).c_str(), "16.0 EiB");
    assert_string_equal(bandwidth(0).c_str(), unknown);
    assert_string_equal(operations(999.6e9).c_str(), "1.00 TFLOP/s");
    assert_string_equal(operations(NAN).c_str(), unknown);
    assert_string_equal(rate(0).c_str(), unknown);
    assert_string_equal(rate(16).c_str(), "16.0");
    assert_string_equal(rate(12849).c_str(), "12800");
    assert_string_equal(rate(0.5).c_str(), "0.500");
    assert_string_equal(dollars(16.1).c_str(), "$16.10");
    assert_string_equal(dollars(0.0031).c_str(), "$0.0031");
    assert_string_equal(seconds(0.0123).c_str(), "12.3 ms");
    assert_string_equal(count(8030261248).c_str(), "8.03B");
    assert_int_equal(parse_count("1.5B").value_or(0), 1500000000);
    assert_int_equal(parse_count("70b").value_or(0), 70000000000);
    for (const char *bad : {"", "B", "0", "-1B", "1BB", "1e9", "0x10", "nan", "inf", "2000000000B"})
        assert_false(parse_count(bad).has_value());
}

static void words(void **) {
    assert_string_equal(clip("abcdef", 6).c_str(), "abcdef");
    assert_string_equal(clip("abcdef", 4).c_str(), "abc…");
    assert_string_equal(clip("abcdef", 0).c_str(), "");
    assert_int_equal(columns("加速器"), 6);
    assert_string_equal(clip("加速器", 4).c_str(), "加…");
    assert_string_equal(printable("a\033[31m\x9b\xc0\xaf\xe2\x80\xae").c_str(), "a?[31m????");
    assert_string_equal(nearest("contxt", {"batch", "context"}).c_str(), "context");
    assert_string_equal(nearest("zzzzzz", {"batch", "context"}).c_str(), "");
}

static void slices(void **) {
    const char *text = R"({"a": "}\"]", "b": [ {"c": [1, "]"]}, 2 , "x"], "d": {}, "e": -1.5e3})";
    assert_true(json_member(text, "a") == R"("}\"]")");
    assert_true(json_member(text, "e") == "-1.5e3");
    assert_true(json_member(text, "d") == "{}");
    assert_true(json_member(text, "c").empty());
    assert_true(json_element(json_member(text, "b"), 0) == R"({"c": [1, "]"]})");
    assert_true(json_element(json_member(text, "b"), 2) == R"("x")");
    assert_true(json_element(json_member(text, "b"), 3).empty());
    assert_true(json_element("[]", 0).empty());
    assert_true(json_member("{}", "a").empty());
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(products), cmocka_unit_test(vectors), cmocka_unit_test(numbers),
        cmocka_unit_test(words),    cmocka_unit_test(slices),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
