// SPDX-License-Identifier: MIT
// Packing and unpacking of frames.
#include "detect/frames.h"

#include <algorithm>

namespace hwa::detect {

using base::Status;

std::string pack(Tag tag, std::string_view payload) {
    payload = payload.substr(0, frame_payload_limit);
    std::string bytes;
    bytes.reserve(frame_head_bytes + payload.size());
    bytes.push_back(static_cast<char>(tag));
    for (int shift = 0; shift < 32; shift += 8)
        bytes.push_back(static_cast<char>(payload.size() >> shift & 0xff));
    bytes.append(payload);
    return bytes;
}

void FrameReader::feed(std::string_view bytes) {
    // What was handed out is dropped here, so the buffer never holds more than one cut frame and
    // the piece after it.
    bytes_.erase(0, used_);
    used_ = 0;
    total_ += bytes.size();
    if (total_ <= answer_limit)
        bytes_.append(bytes);
}

base::Result<std::optional<Frame>> FrameReader::next() {
    if (total_ > answer_limit)
        return base::error(Status::Parse, "the answer is longer than %zu bytes", answer_limit);
    const std::string_view rest = std::string_view(bytes_).substr(used_);
    if (rest.empty())
        return std::optional<Frame>();
    const auto tag = static_cast<uint8_t>(rest[0]);
    if (tag < static_cast<uint8_t>(Tag::Stage) || tag > static_cast<uint8_t>(Tag::Sample))
        return base::error(Status::Parse, "byte %zu of the answer is no tag of a record: 0x%02x",
                           total_ - rest.size(), tag);
    if (rest.size() < frame_head_bytes)
        return std::optional<Frame>();
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i)
        length |= static_cast<size_t>(static_cast<uint8_t>(rest[1 + i])) << (8 * i);
    if (length > frame_payload_limit)
        return base::error(Status::Parse, "byte %zu of the answer begins a record of %zu bytes",
                           total_ - rest.size(), length);
    if (rest.size() - frame_head_bytes < length)
        return std::optional<Frame>();
    used_ += frame_head_bytes + length;
    return std::optional<Frame>(
        Frame{static_cast<Tag>(tag), rest.substr(frame_head_bytes, length)});
}

} // namespace hwa::detect
