// SPDX-License-Identifier: MIT
// The room that a graph needs, after the rules of ggml's graph allocator (ggml-alloc.c).
#include "plan/memory/graph.h"

#include "plan/memory/best_fit.h"

namespace hwa::plan {

Graph::Id Graph::add(uint64_t bytes, std::initializer_list<Id> from) {
    Node node;
    node.bytes = bytes;
    int count = 0;
    for (const Id id : from)
        node.from[count++] = id;
    nodes_.push_back(node);
    return static_cast<Id>(nodes_.size() - 1);
}

Graph::Id Graph::input(uint64_t bytes) {
    const Id id = add(bytes, {});
    nodes_.back().is_input = true;
    return id;
}

Graph::Id Graph::tensor(uint64_t bytes, std::initializer_list<Id> from) {
    return add(bytes, from);
}

Graph::Id Graph::in_place(uint64_t bytes, std::initializer_list<Id> from) {
    const Id id = add(bytes, from);
    nodes_.back().may_reuse = true;
    return id;
}

Graph::Id Graph::view(Id of) {
    const Id id = add(0, {of});
    const Node &seen = nodes_[static_cast<size_t>(of)];
    nodes_.back().base = seen.base != none ? seen.base : of;
    return id;
}

/// The state of the allocator while it goes through a graph.
class Graph::Run {
  public:
    Run(const Graph &graph, uint64_t copies, uint64_t alignment)
        : nodes_(graph.nodes_), uses_(graph.nodes_.size()), room_(alignment), copies_(copies) {}

    uint64_t peak();

  private:
    struct Use {
        uint64_t offset = 0;
        uint32_t readers = 0; ///< yet to run
        uint32_t views = 0;
        bool held = false; ///< has room that it has to give back
    };

    static size_t at(Id id) { return static_cast<size_t>(id); }
    bool kept(Id id) const {
        return nodes_[at(id)].kept || (nodes_[at(id)].is_input && copies_ > 1);
    }
    void count();
    void place(size_t index);
    void has_read(Id id);
    void release(Id id);

    const std::vector<Node> &nodes_;
    std::vector<Use> uses_;
    BestFit room_;
    uint64_t copies_;
};

void Graph::Run::count() {
    for (const Node &node : nodes_) {
        if (node.base != none)
            ++uses_[at(node.base)].views;
        for (const Id id : node.from)
            if (id != none)
                ++uses_[at(id)].readers;
    }
}

void Graph::Run::place(size_t index) {
    const Node &node = nodes_[index];
    Use &use = uses_[index];
    if (node.may_reuse)
        for (const Id id : node.from) {
            if (id == none || nodes_[at(id)].bytes != node.bytes)
                continue;
            Use &parent = uses_[at(id)];
            if (!parent.held || kept(id) || parent.readers != 1 || parent.views != 0)
                continue;
            use.offset = parent.offset;
            use.held = true;
            parent.held = false;
            return;
        }
    use.offset = room_.take(node.bytes);
    use.held = true;
}

void Graph::Run::release(Id id) {
    Use &use = uses_[at(id)];
    if (use.readers != 0 || use.views != 0 || !use.held || kept(id))
        return;
    room_.give_back(use.offset, nodes_[at(id)].bytes);
    use.held = false;
}

void Graph::Run::has_read(Id id) {
    Use &use = uses_[at(id)];
    --use.readers;
    const Id base = nodes_[at(id)].base;
    if (base == none) {
        release(id);
    } else if (use.readers == 0 && use.views == 0) {
        --uses_[at(base)].views;
        release(base);
    }
}

uint64_t Graph::Run::peak() {
    count();
    for (size_t i = 0; i < nodes_.size(); ++i)
        if (nodes_[i].is_input)
            place(i);
    // Further copies of the inputs belong to steps that are still under way.
    for (uint64_t copy = 1; copy < copies_; ++copy)
        for (const Node &node : nodes_)
            if (node.is_input)
                room_.take(node.bytes);
    for (size_t i = 0; i < nodes_.size(); ++i) {
        const Node &node = nodes_[i];
        if (node.is_input)
            continue;
        if (node.base == none && node.bytes != 0)
            place(i);
        for (const Id id : node.from)
            if (id != none)
                has_read(id);
    }
    return room_.peak();
}

uint64_t Graph::peak(uint64_t copies, uint64_t alignment) const {
    return Run(*this, copies, alignment).peak();
}

} // namespace hwa::plan
