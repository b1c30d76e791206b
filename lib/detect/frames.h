// SPDX-License-Identifier: MIT
// Frames: how a helper process tells what it finds, one record after the other.
#pragma once

#include "base/status.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hwa::detect {

/// One byte of tag, four of length in little-endian order, then the payload.
enum class Tag : uint8_t {
    Stage = 1,   ///< the foreign call that comes next
    Library = 2, ///< path of the library that was loaded
    Version = 3, ///< of the driver or library
    Device = 4,  ///< one device, as JSON of the system's schema
    Warn = 5,    ///< a sentence
    Error = 6,   ///< name of an outcome, a line end, and a sentence
    End = 7,     ///< nothing: all was said
    Sample = 8,  ///< what was read of one device, see monitor/reading.h
};

inline constexpr size_t frame_head_bytes = 5;
inline constexpr size_t frame_payload_limit = 64 * 1024;
inline constexpr size_t answer_limit = 1024 * 1024; ///< of all frames of one answer
inline constexpr uint32_t device_limit = 4096;      ///< of one answer, and of one driver

struct Frame {
    Tag tag;
    std::string_view payload; ///< valid until the next call of the reader
};

/// A frame as bytes; the payload is cut at its limit.
std::string pack(Tag tag, std::string_view payload);

/// Puts frames together again from bytes in pieces of any size. Once it has failed, it stays so.
class FrameReader {
  public:
    void feed(std::string_view bytes);
    /// The next whole frame; nothing if more bytes are needed; Parse if this is no answer.
    base::Result<std::optional<Frame>> next();
    /// Takes in what `read` gives until it gives nothing, and hands each frame to `take` until that
    /// says it was the last. True if it did; Parse if this is no answer.
    template <class Read, class Take> base::Result<bool> drain(Read &&read, Take &&take);

  private:
    std::string bytes_;
    size_t used_ = 0;  ///< of bytes_
    size_t total_ = 0; ///< ever fed
};

template <class Read, class Take> base::Result<bool> FrameReader::drain(Read &&read, Take &&take) {
    std::array<char, 16384> piece;
    for (;;) {
        const size_t got = read(piece);
        if (got == 0)
            return false;
        feed({piece.data(), got});
        for (;;) {
            HWA_TRY(const std::optional<Frame> frame, next());
            if (!frame)
                break;
            if (take(*frame))
                return true;
        }
    }
}

} // namespace hwa::detect
