// SPDX-License-Identifier: MIT
// base/text: parsing without a locale, and making foreign strings fit to print.
#include "check.h"

#include "base/text.h"

using namespace hwa::base;

static void parses_whole_numbers_only(void **) {
    assert_true(parse_u64("42") == 42u);
    assert_true(parse_u64("0x1f", 16) == 31u);
    assert_false(parse_u64("").has_value());
    assert_false(parse_u64("-1").has_value());
    assert_false(parse_u64("18446744073709551616").has_value());
    assert_false(parse_u64("12 ").has_value());
    assert_true(parse_i64("-3") == -3);
    assert_true(parse_real("2.5") == 2.5);
    assert_false(parse_real("2,5").has_value());
}

static void splits_and_trims(void **) {
    assert_true(split("", ',').empty());
    assert_int_equal(split("a,b,", ',').size(), 2);
    assert_true(trim(" a\n") == "a");
    assert_true(list_holds("nvidia, amd", "amd"));
    assert_false(list_holds("nvidia,amd", "am"));
}

static void sanitises_foreign_text(void **) {
    assert_string_equal(sanitise("  RTX\x1b[31m 4090\n").c_str(), "RTX?[31m 4090");
    assert_string_equal(sanitise("bad\xff"
                                 "byte")
                            .c_str(),
                        "bad?byte");
    assert_string_equal(sanitise("\xe2\x80\xae"
                                 "evil")
                            .c_str(),
                        "?evil");
    assert_string_equal(sanitise("Gr\xc3\xbc\xc3\x9f"
                                 "e")
                            .c_str(),
                        "Gr\xc3\xbc\xc3\x9f"
                        "e");
    assert_string_equal(sanitise(std::string("a\0b", 3)).c_str(), "a");
    assert_int_equal(sanitise(std::string(1000, 'x')).size(), 256);
    for (const char *garbled : {"RTX\x1b[31m", "bad\xff", "\xe2\x80\xae", "a\nb"})
        assert_string_equal(legible(garbled).c_str(), "");
    assert_string_equal(legible(" Gr\xc3\xbc\xc3\x9f\n").c_str(), "Gr\xc3\xbc\xc3\x9f");
    assert_string_equal(legible(std::string("a\0\xff", 3)).c_str(), "a");
    assert_false(valid_utf8("\xc0\x80"));
    assert_false(valid_utf8("\xed\xa0\x80"));
    assert_false(valid_utf8("\xf4\x90\x80\x80"));
    assert_true(valid_utf8("\xf0\x9f\x98\x80"));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(parses_whole_numbers_only),
        cmocka_unit_test(splits_and_trims),
        cmocka_unit_test(sanitises_foreign_text),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
