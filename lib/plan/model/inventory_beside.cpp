// SPDX-License-Identifier: MIT
// What stands beside the layers of a decoder: several residual streams, embeddings of each layer,
// and layers that predict further tokens.
#include "plan/model/inventory.h"

#include <algorithm>

namespace hwa::plan {

using core::Layer;
using core::Role;

/// Hyper-connections: the streams are mixed before and after each half of a layer.
static void mix_streams(Inventory &in, Count streams, Count mixes, uint64_t scales) {
    in.add(Role::Router, streams * in.n.hidden, mixes); // as fine as a router
    in.add(Role::Bias, mixes + scales);
}

void Inventory::beside() {
    const Count streams = n.paths;
    for (int half = 0; half < 2 && has(HyperPaths); ++half)
        mix_streams(*this, streams, streams * streams + streams * 2, 3);
    if (n.layer_embedding != 0) { // Gemma: gate, projection, norm, and a scale of the layer
        add(Role::Other, n.hidden, n.layer_embedding);
        add(Role::Other, n.layer_embedding, n.hidden);
        norm();
        add(Role::Bias, 1);
    }
}

void Inventory::beside_all() {
    if (has(HyperPaths))
        mix_streams(*this, n.paths, n.paths, 1);
    if (n.layer_embedding == 0)
        return;
    const Count wide = Count(n.layers) * n.layer_embedding;
    add(Role::Embedding, wide, n.layer_vocabulary != 0 ? n.layer_vocabulary : n.vocabulary);
    add(Role::Other, n.hidden, wide);
    add(Role::Norm, n.layer_embedding);
}

/// Layers that predict further tokens: one like the last, and a matrix that joins the token with
/// the state.
void Inventory::drafts() {
    const uint64_t count = n.drafts != 0 ? n.drafts : family.drafts;
    const size_t first = model.tensors.size();
    for (uint64_t i = 0; i < std::min<uint64_t>(count, 16) && !overflow_; ++i) {
        Layer like;
        ConfigNumbers last = n;
        last.period = 1;
        last.kinds.assign(n.layers, has(DenseDrafts) ? LayerKind::Window : LayerKind::Full);
        last.ratios.assign(n.layers, 0);
        if (has(DenseDrafts))
            last.experts = 0;
        Inventory one(last, family, model);
        one.layer(n.layers - 1, like);
        if (has(SingleParts)) { // attention, and then experts
            last.kinds.back() = LayerKind::Mixture;
            one.layer(n.layers - 1, like);
        }
        overflow_ |= one.overflow();
        if (has(Compressed)) // one matrix for the token, one for the state
            add(Role::Other, n.hidden, Count(2) * n.hidden);
        else
            add(Role::Other, Count(2) * n.hidden, n.hidden);
        norm(3);
        one.beside_all();
        if (has(DraftTables)) {
            add(Role::Other, n.hidden, n.vocabulary);
            add(Role::Other, n.hidden, n.vocabulary);
        }
    }
    for (size_t i = first; i < model.tensors.size(); ++i)
        model.tensors[i].role = Role::Draft;
}

} // namespace hwa::plan
