// SPDX-License-Identifier: MIT
// JsonDocument and JsonValue: a tree by cJSON, over text that JsonPull has found sound.
#include "base/json.h"

#include "base/text.h"

#include <cjson/cJSON.h>
#include <cstdarg>

namespace hwa::base {

/// A node of the tree takes some 100 bytes, so this is what keeps a hostile document of 4 MiB
/// within a few tens of MiB.
static constexpr uint32_t tree_values = 200000;
static constexpr double integer_limit = static_cast<double>(json_integer_limit);

struct JsonValue::Tree {
    std::string name;
    cJSON *root = nullptr;

    ~Tree() { cJSON_Delete(root); }
};

JsonDocument::JsonDocument(std::unique_ptr<JsonValue::Tree> tree) : tree_(std::move(tree)) {}
JsonDocument::JsonDocument(JsonDocument &&other) noexcept = default;
JsonDocument &JsonDocument::operator=(JsonDocument &&other) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view name, std::string_view text) {
    JsonLimits limits;
    limits.values = tree_values;
    JsonPull pull{std::string(name), text, limits};
    HWA_CHECK(pull.next());
    HWA_CHECK(pull.skip());
    HWA_CHECK(pull.next());
    auto tree = std::make_unique<JsonValue::Tree>();
    tree->name = name;
    tree->root = cJSON_ParseWithLength(text.data(), text.size());
    if (tree->root == nullptr) // The grammar holds, so memory is what was lacking.
        return base::error(Status::HostMemory, "%s: no memory for the document",
                           tree->name.c_str());
    return JsonDocument(std::move(tree));
}

JsonValue JsonDocument::root() const {
    return {tree_->root, tree_.get()};
}

bool JsonValue::is_null() const {
    return cJSON_IsNull(node_) != 0;
}
bool JsonValue::is_object() const {
    return cJSON_IsObject(node_) != 0;
}
bool JsonValue::is_array() const {
    return cJSON_IsArray(node_) != 0;
}
bool JsonValue::is_text() const {
    return cJSON_IsString(node_) != 0;
}
bool JsonValue::is_number() const {
    return cJSON_IsNumber(node_) != 0;
}
bool JsonValue::is_bool() const {
    return cJSON_IsBool(node_) != 0;
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
    if (!is_object())
        return std::nullopt;
    for (const cJSON *child = node_->child; child != nullptr; child = child->next)
        if (child->string == key)
            return cJSON_IsNull(child) ? std::nullopt : std::optional(JsonValue(child, tree_));
    return std::nullopt;
}

Result<JsonValue> JsonValue::require(std::string_view key) const {
    if (!is_object())
        return error("should be an object");
    if (const std::optional<JsonValue> value = find(key))
        return *value;
    return error("\"%.*s\" is missing", static_cast<int>(key.size()), key.data());
}

std::vector<JsonValue> JsonValue::children() const {
    std::vector<JsonValue> list;
    if (!is_object() && !is_array())
        return list;
    list.reserve(static_cast<size_t>(cJSON_GetArraySize(node_)));
    for (const cJSON *child = node_->child; child != nullptr; child = child->next)
        list.push_back(JsonValue(child, tree_));
    return list;
}

std::string_view JsonValue::key() const {
    return node_->string == nullptr ? std::string_view() : node_->string;
}

Result<double> JsonValue::whole(double least, const char *wanted) const {
    const double value = node_->valuedouble;
    if (!is_number() || value < least || value > integer_limit ||
        value != static_cast<double>(static_cast<int64_t>(value)))
        return error("should be %s", wanted);
    return value;
}

Result<uint64_t> JsonValue::u64() const {
    HWA_TRY(const double value, whole(0, "a whole number, 0 or more"));
    return static_cast<uint64_t>(value);
}

Result<int64_t> JsonValue::i64() const {
    HWA_TRY(const double value, whole(-integer_limit, "a whole number"));
    return static_cast<int64_t>(value);
}

Result<double> JsonValue::real() const {
    if (!is_number())
        return error("should be a number");
    return node_->valuedouble;
}

Result<std::string> JsonValue::text() const {
    if (!is_text())
        return error("should be a text");
    return std::string(node_->valuestring);
}

Result<bool> JsonValue::boolean() const {
    if (!is_bool())
        return error("should be true or false");
    return cJSON_IsTrue(node_) != 0;
}

/// Adds the way from `from` down to `node`; false if it does not lie there. Nodes know no parent,
/// so this searches; it is done once, for a message.
static bool find_path(const cJSON *from, const cJSON *node, std::string &path) {
    if (from == node)
        return true;
    const size_t length = path.size();
    unsigned index = 0;
    for (const cJSON *child = from->child; child != nullptr; child = child->next, ++index) {
        if (child->string != nullptr)
            path += "." + sanitise(child->string, 64);
        else
            path += format("[%u]", index);
        if (find_path(child, node, path))
            return true;
        path.resize(length);
    }
    return false;
}

std::string JsonValue::place() const {
    std::string path;
    find_path(tree_->root, node_, path);
    return tree_->name + ": $" + path;
}

Error JsonValue::error(const char *format, ...) const {
    va_list arguments;
    va_start(arguments, format);
    Error made{Status::Parse, 0, {}, place().append(": ").append(vformat(format, arguments))};
    va_end(arguments);
    return made;
}

} // namespace hwa::base
