// SPDX-License-Identifier: MIT
// base/json: the typed getters of a document, the places in their errors, and the writer.
#include "check.h"

#include "base/json.h"

#include <cstring>
#include <limits>

using namespace hwa::base;

static JsonDocument parsed(std::string_view text) {
    Result<JsonDocument> document = JsonDocument::parse("doc", text);
    if (!document)
        fail_msg("%s", document.error().message.c_str());
    return std::move(*document);
}

static void getters_check_their_types(void **) {
    const JsonDocument document =
        parsed(R"({"n":3,"i":-4,"r":2.5,"t":"x","b":true,"z":null,"l":[1,"a",{"k":7}],"e":1e3})");
    const JsonValue root = document.root();
    assert_true(root.is_object());
    assert_int_equal(*root.find("n")->u64(), 3);
    assert_int_equal(*root.find("i")->i64(), -4);
    assert_true(*root.find("r")->real() == 2.5);
    assert_int_equal(*root.find("e")->u64(), 1000);
    assert_string_equal((*root.find("t")->text()).c_str(), "x");
    assert_true(*root.find("b")->boolean());
    assert_false(root.find("z").has_value());
    assert_false(root.find("absent").has_value());
    assert_false(root.find("n")->find("x").has_value());
    const std::vector<JsonValue> list = root.find("l")->children();
    assert_int_equal(list.size(), 3);
    assert_true(list[2].children()[0].key() == "k");
    assert_true(root.find("n")->children().empty());

    assert_string_equal(list[1].u64().error().message.c_str(),
                        "doc: $.l[1]: should be a whole number, 0 or more");
    assert_string_equal(list[2].find("k")->text().error().message.c_str(),
                        "doc: $.l[2].k: should be a text");
    assert_false(static_cast<bool>(root.find("i")->u64()));
    assert_false(static_cast<bool>(root.find("r")->i64()));
    assert_false(static_cast<bool>(root.find("t")->real()));
    assert_false(static_cast<bool>(root.find("n")->boolean()));
    assert_string_equal(root.require("absent").error().message.c_str(),
                        "doc: $: \"absent\" is missing");
    assert_false(static_cast<bool>(root.require("z")));
    assert_false(static_cast<bool>(list[0].require("k")));
    assert_true(root.require("absent").error().status == Status::Parse);
}

static void what_the_scanner_refuses_makes_no_tree(void **) {
    for (const char *text : {"", "{", "[1,]", "{\"a\":1,\"a\":1}", "[1] 2", "\"\\u0000\""})
        assert_false(static_cast<bool>(JsonDocument::parse("doc", text)));
    assert_false(static_cast<bool>(JsonDocument::parse("doc", std::string(5 << 20, ' ') + "1")));
    std::string zeros = "[0";
    for (int i = 0; i < 300000; ++i)
        zeros += ",0";
    assert_non_null(
        std::strstr(JsonDocument::parse("doc", zeros + "]").error().message.c_str(), "values"));
}

static void writes_what_it_can_read(void **) {
    JsonWriter out;
    out.begin_object();
    out.key("empty").begin_object().end_object();
    out.key("none").begin_array().end_array();
    out.key("list").begin_array().u64(1).i64(-2).real(0.1).boolean(false).null().end_array();
    out.key("te\"xt").text("a\\b\n\x01\xff\xc3\xa9" + std::string(1, '\0'));
    const std::string text = out.end_object().take();
    assert_string_equal(text.c_str(), "{\n"
                                      "  \"empty\": {},\n"
                                      "  \"none\": [],\n"
                                      "  \"list\": [\n"
                                      "    1,\n"
                                      "    -2,\n"
                                      "    0.1,\n"
                                      "    false,\n"
                                      "    null\n"
                                      "  ],\n"
                                      "  \"te\\\"xt\": \"a\\\\b\\n\\u0001\xef\xbf\xbd\xc3\xa9"
                                      "\xef\xbf\xbd\"\n"
                                      "}");
    const JsonDocument document = parsed(text);
    assert_string_equal((*document.root().find("te\"xt")->text()).c_str(),
                        "a\\b\n\x01\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
    JsonWriter line(0);
    line.begin_array().begin_object().key("a").u64(1).key("b").u64(2).end_object().text("x");
    assert_string_equal(line.end_array().take().c_str(), "[{\"a\":1,\"b\":2},\"x\"]");
    assert_string_equal(line.u64(5).take().c_str(), "5");
}

static void numbers_come_back_the_same(void **) {
    const double reals[] = {0,
                            -0.0,
                            1,
                            0.1,
                            1.0 / 3,
                            1e15,
                            1e16,
                            9007199254740993e3,
                            1e22,
                            1e300,
                            5e-324,
                            2.5e-7,
                            123456789012345678.0,
                            -1e17,
                            std::numeric_limits<double>::max(),
                            std::numeric_limits<double>::min()};
    for (const double real : reals) {
        const std::string text = JsonWriter().real(real).take();
        assert_true(*parsed(text).root().real() == real);
    }
    assert_string_equal(JsonWriter().real(std::numeric_limits<double>::infinity()).take().c_str(),
                        "null");
    assert_string_equal(JsonWriter().u64(UINT64_MAX).take().c_str(), "9007199254740991");
    assert_string_equal(JsonWriter().i64(INT64_MIN).take().c_str(), "-9007199254740991");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(getters_check_their_types),
        cmocka_unit_test(what_the_scanner_refuses_makes_no_tree),
        cmocka_unit_test(writes_what_it_can_read),
        cmocka_unit_test(numbers_come_back_the_same),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
