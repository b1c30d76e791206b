// SPDX-License-Identifier: MIT
// detect/frames: an answer comes through in pieces of any size, and what is no answer is refused.
#include "check.h"

#include "detect/frames.h"

#include <string>
#include <vector>

using namespace hwa::detect;
using hwa::base::Status;

struct Seen {
    Tag tag;
    std::string payload;
};

/// All whole frames of a reader; a failure is told by the last argument.
static std::vector<Seen> drain(FrameReader &reader, bool &failed) {
    std::vector<Seen> seen;
    for (;;) {
        const auto next = reader.next();
        failed = !next;
        if (failed || !*next)
            return seen;
        seen.push_back({(*next)->tag, std::string((*next)->payload)});
    }
}

static std::string sample() {
    return pack(Tag::Stage, "vkCreateInstance") + pack(Tag::Device, std::string(5000, 'x')) +
           pack(Tag::Warn, "") + pack(Tag::End, {});
}

static void expect_sample(const std::vector<Seen> &seen) {
    assert_int_equal(seen.size(), 4);
    assert_true(seen[0].tag == Tag::Stage && seen[0].payload == "vkCreateInstance");
    assert_true(seen[1].tag == Tag::Device && seen[1].payload == std::string(5000, 'x'));
    assert_true(seen[2].tag == Tag::Warn && seen[2].payload.empty());
    assert_true(seen[3].tag == Tag::End);
}

static void split_at_every_offset(void **) {
    const std::string bytes = sample();
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        FrameReader reader;
        bool failed = false;
        reader.feed(std::string_view(bytes).substr(0, cut));
        std::vector<Seen> seen = drain(reader, failed);
        assert_false(failed);
        reader.feed(std::string_view(bytes).substr(cut));
        for (Seen &late : drain(reader, failed))
            seen.push_back(std::move(late));
        assert_false(failed);
        expect_sample(seen);
    }
}

static void byte_by_byte(void **) {
    FrameReader reader;
    std::vector<Seen> seen;
    bool failed = false;
    for (const char byte : sample()) {
        reader.feed({&byte, 1});
        for (Seen &late : drain(reader, failed))
            seen.push_back(std::move(late));
        assert_false(failed);
    }
    expect_sample(seen);
}

static void length_is_little_endian(void **) {
    const std::string bytes = pack(Tag::Warn, std::string(0x1234, 'w'));
    assert_int_equal(static_cast<uint8_t>(bytes[0]), 5);
    assert_int_equal(static_cast<uint8_t>(bytes[1]), 0x34);
    assert_int_equal(static_cast<uint8_t>(bytes[2]), 0x12);
    assert_int_equal(bytes[3] + bytes[4], 0);
    assert_int_equal(pack(Tag::Warn, std::string(100000, 'w')).size(),
                     frame_head_bytes + frame_payload_limit);
}

static void refuses_what_is_no_answer(void **) {
    static const std::string bad[] = {
        std::string("\x00", 1),                 // no such tag
        "\x09",                                 // one past the last
        "Hello, world",                         // text of a driver
        std::string("\x01\x01\x00\x01\x00", 5), // 65537 bytes
        std::string("\x01\xff\xff\xff\xff", 5), // 4 GiB
    };
    for (const std::string &bytes : bad) {
        FrameReader reader;
        bool failed = false;
        reader.feed(bytes);
        assert_true(drain(reader, failed).empty());
        assert_true(failed);
        reader.feed(sample()); // and it stays so
        drain(reader, failed);
        assert_true(failed);
    }
}

static void the_largest_frame_passes(void **) {
    FrameReader reader;
    bool failed = false;
    reader.feed(pack(Tag::Device, std::string(frame_payload_limit, 'd')));
    assert_int_equal(drain(reader, failed).size(), 1);
    assert_false(failed);
}

static void refuses_an_endless_answer(void **) {
    FrameReader reader;
    bool failed = false;
    const std::string frame = pack(Tag::Warn, std::string(frame_payload_limit, 'w'));
    size_t frames = 0;
    while (!failed && frames < 100) {
        reader.feed(frame);
        frames += drain(reader, failed).size();
    }
    assert_true(failed);
    assert_int_equal(frames, answer_limit / frame.size());
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(split_at_every_offset),    cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(length_is_little_endian),  cmocka_unit_test(refuses_what_is_no_answer),
        cmocka_unit_test(the_largest_frame_passes), cmocka_unit_test(refuses_an_endless_answer),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
