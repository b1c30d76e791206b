// SPDX-License-Identifier: MIT
// base/json_pull: what is JSON is taken, what is not is refused with its place, however the bytes
// arrive and however much of them there is claimed to be.
#include "check.h"

#include "base/json_pull.h"

#include <algorithm>
#include <cstring>

using namespace hwa::base;

static JsonPull::Source pieces(std::string_view text, size_t first, size_t rest) {
    return [text, first, rest, begun = false](std::span<char> into) mutable -> Result<size_t> {
        const size_t count = std::min({begun ? rest : first, into.size(), text.size()});
        begun = true;
        text.copy(into.data(), count);
        text.remove_prefix(count);
        return count;
    };
}

/// All tokens in a row, such as `{"key":"text",1,}.`, or the message of the error.
static std::string tokens(JsonPull pull) {
    static constexpr const char *marks[] = {"{", "}", "[", "]", "", "", "", "t", "f", "n", "."};
    std::string all;
    for (;;) {
        const Result<JsonToken> token = pull.next();
        if (!token)
            return token.error().message;
        all += marks[static_cast<size_t>(*token)];
        if (*token == JsonToken::Key)
            all += pull.text() + ":";
        if (*token == JsonToken::Text)
            all += "'" + pull.text() + "'";
        if (*token == JsonToken::Number)
            all += pull.text() + ",";
        if (*token == JsonToken::End)
            return all;
    }
}

static std::string tokens(std::string_view text) {
    return tokens(JsonPull("doc", text));
}

struct Row {
    std::string_view text;
    const char *tokens; ///< of a document that is refused: what the message holds
};

static const Row taken[] = {
    {"null", "n."},
    {" \t\r\n true \n", "t."},
    {"false", "f."},
    {"0", "0,."},
    {"-0", "-0,."},
    {"-1.5e+3", "-1.5e+3,."},
    {"1E-2", "1e-2,."},
    {"9007199254740991", "9007199254740991,."},
    {"-9007199254740991", "-9007199254740991,."},
    {"1e308", "1e308,."},
    {"1e-999", "1e-999,."},
    {"1.7976931348623157e308", "1.7976931348623157e308,."},
    {"\"\"", "''."},
    {R"("\"\\\/\b\f\n\r\t")", "'\"\\/\b\f\n\r\t'."},
    {R"("\u0041\u00e9\u20AC")", "'A\xc3\xa9\xe2\x82\xac'."},
    {R"("\ud83d\ude00")", "'\xf0\x9f\x98\x80'."},
    {R"("\uffff")", "'\xef\xbf\xbf'."},
    {"\"\xf0\x9f\x98\x80\x7f\"", "'\xf0\x9f\x98\x80\x7f'."},
    {"[]", "[]."},
    {"{}", "{}."},
    {"[[],{},[{}]]", "[[]{}[{}]]."},
    {R"({"a":1,"b":{"a":2},"":[{"a":3}]})", "{a:1,b:{a:2,}:[{a:3,}]}."},
    {" [ 1 , 2 ] ", "[1,2,]."},
};

static const Row refused[] = {
    {"", "doc: byte 0: $: the text ends where a value should be"},
    {" \n", "doc: byte 2: $: the text ends"},
    {"\xef\xbb\xbf{}", "doc: byte 0: $: found byte 0xef"},
    {"{} x", "doc: byte 3: $: found 'x' where the end of the text should be"},
    {"1 2", "byte 2"},
    {std::string_view("{}\0", 3), "found byte 0x00"},
    {"nul", "doc: byte 3: $: the text ends where null should be"},
    {"nulL", "byte 3"},
    {"True", "byte 0"},
    {"NaN", "byte 0: $: found 'N'"},
    {"Infinity", "found 'I'"},
    {"-Infinity", "a digit should be"},
    {"+1", "found '+'"},
    {"01", "a leading zero"},
    {"-01", "a leading zero"},
    {"1.", "a digit"},
    {".5", "found '.'"},
    {"1e", "a digit"},
    {"1e+", "a digit"},
    {"-", "a digit"},
    {"0x10", "found 'x'"},
    {"1e999", "1e999 is not finite"},
    {"-1e309", "not finite"},
    {"9007199254740992", "9007199254740992 is beyond 2^53 - 1"},
    {"-9007199254740992", "beyond 2^53 - 1"},
    {"18446744073709551617", "beyond 2^53 - 1"},
    {"0.1000000000000000000000000000000000000000000000000000000000000001", "longer than 63"},
    {"[1,]", "doc: byte 3: $[1]: found ']'"},
    {"[,1]", "found ','"},
    {"[1 2]", "doc: byte 3: $[0]: found '2' where ',' or ']'"},
    {"[1}", "found '}' where ',' or ']'"},
    {"[", "the text ends"},
    {"]", "found ']'"},
    {"{\"a\":1,}", "a key in quotes"},
    {"{\"a\" 1}", "doc: byte 5: $.a: found '1' where ':'"},
    {"{\"a\":}", "found '}' where a value"},
    {"{a:1}", "a key in quotes"},
    {"{'a':1}", "found '''"},
    {"{\"a\":1 \"b\":2}", "',' or '}'"},
    {"{\"a\"", "the text ends"},
    {"// no\n1", "found '/'"},
    {"\"abc", "the text ends inside a string"},
    {"\"a\nb\"", "control character 0x0a"},
    {"\"a\tb\"", "control character 0x09"},
    {R"("\x41")", "found 'x' where an escape"},
    {R"("\u12")", "a hexadecimal digit"},
    {R"("\u+123")", "a hexadecimal digit"},
    {R"("\u 123")", "a hexadecimal digit"},
    {R"("\u0000")", "NUL in a string"},
    {R"("\ud800")", "other half of a surrogate pair"},
    {R"("\ud800\u0041")", "half of a surrogate pair"},
    {R"("\udc00")", "half of a surrogate pair"},
    {"\"\xff\"", "malformed UTF-8"},
    {"\"\xc0\x80\"", "malformed UTF-8"},
    {"\"\xed\xa0\x80\"", "malformed UTF-8"},
    {"\"\xf4\x90\x80\x80\"", "malformed UTF-8"},
    {"\"\xe2\x82\"", "malformed UTF-8"},
    {"\"\x80\"", "malformed UTF-8"},
    {R"({"a":1,"b":2,"a":3})", "doc: byte 16: $.a: the key is there twice"},
    {R"({"a":1,"\u0061":3})", "the key is there twice"},
    {R"({"x":[{"k":1,"k":1}]})", "doc: byte 16: $.x[0].k: the key is there twice"},
};

static void takes_what_is_json(void **) {
    for (const Row &row : taken)
        assert_string_equal(tokens(row.text).c_str(), row.tokens);
}

static void refuses_what_is_not_and_says_where(void **) {
    for (const Row &row : refused)
        if (std::strstr(tokens(row.text).c_str(), row.tokens) == nullptr)
            fail_msg("%s: %s", std::string(row.text).c_str(), tokens(row.text).c_str());
}

static void pieces_make_no_difference(void **) {
    for (const std::span<const Row> rows :
         {std::span<const Row>(taken), std::span<const Row>(refused)})
        for (const Row &row : rows) {
            const std::string whole = tokens(row.text);
            for (size_t cut = 1; cut <= row.text.size(); ++cut) {
                const std::string two = tokens(JsonPull("doc", pieces(row.text, cut, 1 << 20)));
                const std::string many = tokens(JsonPull("doc", pieces(row.text, cut, 1)));
                assert_string_equal(two.c_str(), whole.c_str());
                assert_string_equal(many.c_str(), whole.c_str());
            }
        }
}

/// What a hostile document claims costs no more than what has been read of it.
static void bounds_hold(void **) {
    const std::string arrays(100000, '[');
    assert_non_null(std::strstr(tokens(arrays).c_str(), "byte 64: "));
    assert_non_null(std::strstr(tokens(arrays).c_str(), "nested more than 64 deep"));
    std::string objects;
    for (int i = 0; i < 100000; ++i)
        objects += "{\"a\":";
    assert_non_null(std::strstr(tokens(objects).c_str(), "nested more than 64 deep"));
    assert_string_equal(tokens(std::string(64, '[') + std::string(64, ']')).c_str(),
                        (std::string(64, '[') + std::string(64, ']') + ".").c_str());

    uint64_t served = 0;
    const JsonPull::Source endless = [&](std::span<char> into) -> Result<size_t> {
        std::fill(into.begin(), into.end(), served == 0 ? '"' : 'x');
        std::fill(into.begin() + 1, into.end(), 'x');
        served += into.size();
        return into.size();
    };
    JsonLimits wide;
    wide.bytes = uint64_t{100} << 20;
    assert_non_null(std::strstr(tokens(JsonPull("doc", endless, wide)).c_str(),
                                "the string is longer than 1048576 bytes"));
    assert_true(served <= (uint64_t{2} << 20));

    JsonLimits tight;
    tight.values = 3;
    tight.bytes = 8;
    assert_string_equal(tokens(JsonPull("doc", "[1,2]", tight)).c_str(), "[1,2,].");
    assert_non_null(std::strstr(tokens(JsonPull("doc", "[1,2,3]", tight)).c_str(), "3 values"));
    for (const bool whole : {true, false}) {
        const std::string_view text = "[1]      ";
        const std::string said = tokens(whole ? JsonPull("doc", text, tight)
                                              : JsonPull("doc", pieces(text, 4, 4), tight));
        assert_non_null(std::strstr(said.c_str(), "is larger than 8 bytes"));
    }
    const std::string_view text = "[1]     ";
    assert_string_equal(tokens(JsonPull("doc", pieces(text, 4, 4), tight)).c_str(), "[1,].");
}

static void many_keys_are_told_apart(void **) {
    std::string text = "{";
    for (int i = 0; i < 50000; ++i)
        text += "\"k" + std::to_string(i) + "\":{\"a\":0,\"b\":0},";
    assert_null(std::strstr(tokens(text + "\"k\":0}").c_str(), "twice"));
    assert_non_null(
        std::strstr(tokens(text + "\"k1\":0}").c_str(), "$.k1: the key is there twice"));
    assert_non_null(std::strstr(tokens(text + "\"k49999\":0}").c_str(), "twice"));
}

static void a_failed_source_and_an_old_error_stay(void **) {
    const JsonPull::Source broken = [](std::span<char>) -> Result<size_t> {
        return error(Status::Io, "the disk is gone");
    };
    JsonPull pull("doc", broken);
    for (int i = 0; i < 3; ++i) {
        const Result<JsonToken> token = pull.next();
        assert_false(static_cast<bool>(token));
        assert_true(token.error().status == Status::Io);
    }
    JsonPull wrong("doc", "[x");
    assert_true(static_cast<bool>(wrong.next()));
    assert_true(wrong.next().error().status == Status::Parse);
    assert_true(wrong.next().error().status == Status::Parse);
}

static void skips_values_whole(void **) {
    JsonPull pull("doc", R"({"a":[1,{"b":[]}],"c":2,"d":{"e":3}})");
    assert_true(*pull.next() == JsonToken::ObjectBegin);
    assert_true(*pull.next() == JsonToken::Key); // a
    assert_true(static_cast<bool>(pull.skip()));
    assert_true(*pull.next() == JsonToken::Key);
    assert_string_equal(pull.text().c_str(), "c");
    assert_true(*pull.next() == JsonToken::Number);
    assert_true(static_cast<bool>(pull.skip())); // nothing is left of a number
    assert_true(*pull.next() == JsonToken::Key); // d
    assert_true(*pull.next() == JsonToken::ObjectBegin);
    assert_true(static_cast<bool>(pull.skip()));
    assert_true(*pull.next() == JsonToken::ObjectEnd);
    assert_true(*pull.next() == JsonToken::End);
    JsonPull bad("doc", "[1,,]");
    assert_true(*bad.next() == JsonToken::ArrayBegin);
    assert_false(static_cast<bool>(bad.skip()));
}

static void long_paths_are_cut_to_their_end(void **) {
    std::string text;
    for (int i = 0; i < 60; ++i)
        text += "{\"a-rather-long-key-\xc3\xa9\":";
    const std::string said = tokens(text + "?");
    assert_true(said.size() < 400);
    assert_non_null(std::strstr(said.c_str(), "$..."));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_json),
        cmocka_unit_test(refuses_what_is_not_and_says_where),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(many_keys_are_told_apart),
        cmocka_unit_test(a_failed_source_and_an_old_error_stay),
        cmocka_unit_test(skips_values_whole),
        cmocka_unit_test(long_paths_are_cut_to_their_end),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
