// SPDX-License-Identifier: MIT
// Runs a fuzz target over the files of a folder and over changed copies of them, the same ones
// every time.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static constexpr size_t changed_copies = 20000; ///< of all files together

static void run(const std::string &text) {
    // A copy of the exact size, so that a sanitizer sees a read past its end.
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

static std::vector<std::string> read_folder(const char *folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto &entry : std::filesystem::directory_iterator(folder))
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> texts;
    for (const auto &path : paths) {
        std::ifstream file(path, std::ios::binary);
        texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return texts;
}

/// Numbers below a bound, by the engine alone: the library's distributions may change.
class Dice {
  public:
    size_t below(size_t bound) { return bound == 0 ? 0 : engine_() % bound; }

  private:
    std::mt19937 engine_{1};
};

/// One change: a bit, a byte, a cut, a piece twice, a piece of another text, the end gone.
static void change(std::string &text, const std::vector<std::string> &others, Dice &dice) {
    static constexpr char odd[] = {'\0', '\xff', '\x80', '"', '\\', '{', '[', ',', '0', '-', 'e'};
    const size_t at = dice.below(text.size() + 1);
    const size_t length = dice.below(16);
    switch (dice.below(6)) {
    case 0:
        if (at < text.size())
            text[at] = static_cast<char>(text[at] ^ (1 << dice.below(8)));
        break;
    case 1:
        text.insert(at, 1, odd[dice.below(sizeof odd)]);
        break;
    case 2:
        text.erase(at, length);
        break;
    case 3:
        text.insert(at, std::string(text, at, length));
        break;
    case 4: {
        const std::string &other = others[dice.below(others.size())];
        text.insert(at, std::string(other, dice.below(other.size() + 1), length));
        break;
    }
    default:
        text.resize(at);
    }
}

int main(int count, char **arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: replay FOLDER\n");
        return EXIT_FAILURE;
    }
    const std::vector<std::string> texts = read_folder(arguments[1]);
    if (texts.empty()) {
        std::fprintf(stderr, "%s: no files\n", arguments[1]);
        return EXIT_FAILURE;
    }
    run({});
    for (const std::string &text : texts)
        run(text);
    Dice dice;
    for (size_t i = 0; i < changed_copies; ++i) {
        std::string text = texts[i % texts.size()];
        for (size_t changes = 1 + dice.below(4); changes > 0; --changes)
            change(text, texts, dice);
        run(text);
    }
    std::printf("%zu files, %zu changed copies\n", texts.size(), changed_copies);
    return EXIT_SUCCESS;
}
