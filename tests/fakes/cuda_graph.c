/* SPDX-License-Identifier: MIT */
/* Graphs of the fake CUDA driver: nodes in an order that their edges allow, run one by one. */
#include "cuda_fake.h"

#include <stdlib.h>
#include <string.h>

struct CUgraphNode_st {
    enum magic magic;
    CUgraph graph;
    struct work work;
    CUgraphNode *after; /* what it waits for */
    size_t after_count;
    size_t index; /* among the nodes of its graph */
};

struct CUgraph_st {
    enum magic magic; /* 0 once it is destroyed */
    CUgraphNode *nodes;
    size_t count, room;
    CUgraph next;
};

struct CUgraphExec_st {
    enum magic magic; /* 0 once it is destroyed */
    CUcontext context;
    struct work *works; /* in the order in which they run */
    size_t *nodes;      /* index of the node of each */
    size_t count;
    CUgraph graph; /* that it was made of, for its nodes' handles */
    int users;     /* launches in progress */
    CUgraphExec next;
};

static CUgraph graphs;
static CUgraphExec execs;

static bool graph_good(CUgraph graph) {
    for (CUgraph at = graphs; at != NULL; at = at->next)
        if (at == graph)
            return at->magic == GRAPH;
    return false;
}

static bool exec_good(CUgraphExec exec) {
    for (CUgraphExec at = execs; at != NULL; at = at->next)
        if (at == exec)
            return at->magic == EXEC;
    return false;
}

static bool node_good(CUgraphNode node) {
    for (CUgraph graph = graphs; graph != NULL; graph = graph->next)
        for (size_t i = 0; graph->magic == GRAPH && i < graph->count; ++i)
            if (graph->nodes[i] == node)
                return true;
    return false;
}

CUgraph graph_make(void) {
    CUgraph graph = calloc(1, sizeof *graph);
    if (graph == NULL)
        abort();
    graph->magic = GRAPH;
    graph->next = graphs;
    graphs = graph;
    return graph;
}

/* Nothing of it is left, so an old handle is no graph. */
void graph_drop(CUgraph graph) {
    for (size_t i = 0; i < graph->count; ++i) {
        work_drop(&graph->nodes[i]->work);
        free(graph->nodes[i]->after);
        free(graph->nodes[i]);
    }
    free(graph->nodes);
    CUgraph *link = &graphs;
    while (*link != graph)
        link = &(*link)->next;
    *link = graph->next;
    free(graph);
}

static CUresult add_node(CUgraph graph, const CUgraphNode *after, size_t after_count,
                         const struct work *work, CUgraphNode *into) {
    for (size_t i = 0; i < after_count; ++i)
        if (!node_good(after[i]) || after[i]->graph != graph)
            return CUDA_ERROR_INVALID_VALUE;
    CUgraphNode node = calloc(1, sizeof *node);
    if (node == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    node->magic = NODE;
    node->graph = graph;
    node->work = *work;
    node->index = graph->count;
    node->after = malloc((after_count + 1) * sizeof(CUgraphNode));
    if (graph->count == graph->room) {
        graph->room = graph->room == 0 ? 16 : 2 * graph->room;
        graph->nodes = realloc(graph->nodes, graph->room * sizeof(CUgraphNode));
    }
    if (node->after == NULL || graph->nodes == NULL)
        abort();
    if (after_count > 0)
        memcpy(node->after, after, after_count * sizeof(CUgraphNode));
    node->after_count = after_count;
    graph->nodes[graph->count++] = node;
    if (into != NULL)
        *into = node;
    return CUDA_SUCCESS;
}

CUresult graph_append(CUgraph graph, const struct work *work) {
    const size_t count = graph->count;
    return add_node(graph, count == 0 ? NULL : &graph->nodes[count - 1], count != 0, work, NULL);
}

CUresult cuGraphCreate(CUgraph *phGraph, unsigned int flags) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(phGraph != NULL && flags == 0, CUDA_ERROR_INVALID_VALUE);
    *phGraph = graph_make();
    END(CUDA_SUCCESS);
}

CUresult cuGraphDestroy(CUgraph hGraph) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(graph_good(hGraph), CUDA_ERROR_INVALID_VALUE);
    graph_drop(hGraph);
    END(CUDA_SUCCESS);
}

static CUresult kernel_work(const CUDA_KERNEL_NODE_PARAMS_v1 *params, struct work *work) {
    if (params == NULL)
        return CUDA_ERROR_INVALID_VALUE;
    *work = (struct work){.kind = KERNEL};
    work->launch = (struct launch){params->func,
                                   {params->gridDimX, params->gridDimY, params->gridDimZ},
                                   {params->blockDimX, params->blockDimY, params->blockDimZ},
                                   params->sharedMemBytes,
                                   NULL};
    return launch_check(&work->launch, params->kernelParams, params->extra);
}

CUresult cuGraphAddKernelNode(CUgraphNode *phGraphNode, CUgraph hGraph,
                              const CUgraphNode *dependencies, size_t numDependencies,
                              const CUDA_KERNEL_NODE_PARAMS_v1 *nodeParams) {
    struct work work;
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(phGraphNode != NULL && graph_good(hGraph) &&
                      (numDependencies == 0 || dependencies != NULL),
                  CUDA_ERROR_INVALID_VALUE);
    TRY(kernel_work(nodeParams, &work));
    const CUresult result = add_node(hGraph, dependencies, numDependencies, &work, phGraphNode);
    if (result != CUDA_SUCCESS)
        work_drop(&work);
    END(result);
}

/* The second form has a kernel and a context at its end, for when there is no function. */
static CUresult second_form(const CUDA_KERNEL_NODE_PARAMS_v2 *params,
                            CUDA_KERNEL_NODE_PARAMS_v1 *first) {
    if (params == NULL || (params->func == NULL) || params->kern != NULL)
        return CUDA_ERROR_INVALID_VALUE;
    memcpy(first, params, sizeof *first);
    return CUDA_SUCCESS;
}

CUresult cuGraphAddKernelNode_v2(CUgraphNode *phGraphNode, CUgraph hGraph,
                                 const CUgraphNode *dependencies, size_t numDependencies,
                                 const CUDA_KERNEL_NODE_PARAMS_v2 *nodeParams) {
    CUDA_KERNEL_NODE_PARAMS_v1 first;
    const CUresult good = second_form(nodeParams, &first);
    return good != CUDA_SUCCESS
               ? good
               : cuGraphAddKernelNode(phGraphNode, hGraph, dependencies, numDependencies, &first);
}

CUresult cuGraphAddMemsetNode(CUgraphNode *phGraphNode, CUgraph hGraph,
                              const CUgraphNode *dependencies, size_t numDependencies,
                              const CUDA_MEMSET_NODE_PARAMS_v1 *memsetParams, CUcontext ctx) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(phGraphNode != NULL && graph_good(hGraph) && memsetParams != NULL,
                  CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(context_good(ctx), CUDA_ERROR_INVALID_CONTEXT);
    const unsigned width = memsetParams->elementSize;
    REFUSE_UNLESS((width == 1 || width == 2 || width == 4) && memsetParams->height == 1,
                  CUDA_ERROR_INVALID_VALUE);
    TRY(memory_usable(ctx, memsetParams->dst, memsetParams->width * width));
    const struct work work = {.kind = FILL,
                              .fill = {(void *)(uintptr_t)memsetParams->dst, memsetParams->width,
                                       width, memsetParams->value}};
    END(add_node(hGraph, dependencies, numDependencies, &work, phGraphNode));
}

CUresult cuGraphAddEmptyNode(CUgraphNode *phGraphNode, CUgraph hGraph,
                             const CUgraphNode *dependencies, size_t numDependencies) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(phGraphNode != NULL && graph_good(hGraph), CUDA_ERROR_INVALID_VALUE);
    const struct work work = {.kind = NOP};
    END(add_node(hGraph, dependencies, numDependencies, &work, phGraphNode));
}

CUresult cuGraphAddHostNode(CUgraphNode *phGraphNode, CUgraph hGraph,
                            const CUgraphNode *dependencies, size_t numDependencies,
                            const CUDA_HOST_NODE_PARAMS_v1 *nodeParams) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(phGraphNode != NULL && graph_good(hGraph) && nodeParams != NULL &&
                      nodeParams->fn != NULL,
                  CUDA_ERROR_INVALID_VALUE);
    const struct work work = {.kind = HOST, .host = {nodeParams->fn, NULL, nodeParams->userData}};
    END(add_node(hGraph, dependencies, numDependencies, &work, phGraphNode));
}

CUresult cuGraphAddDependencies(CUgraph hGraph, const CUgraphNode *from, const CUgraphNode *to,
                                size_t numDependencies) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(graph_good(hGraph), CUDA_ERROR_INVALID_VALUE);
    for (size_t i = 0; i < numDependencies; ++i) {
        REFUSE_UNLESS(node_good(from[i]) && node_good(to[i]) && from[i] != to[i] &&
                          from[i]->graph == hGraph && to[i]->graph == hGraph,
                      CUDA_ERROR_INVALID_VALUE);
        CUgraphNode node = to[i];
        node->after = realloc(node->after, (node->after_count + 2) * sizeof(CUgraphNode));
        if (node->after == NULL)
            abort();
        node->after[node->after_count++] = from[i];
    }
    END(CUDA_SUCCESS);
}

CUresult cuGraphGetNodes(CUgraph hGraph, CUgraphNode *nodes, size_t *numNodes) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(graph_good(hGraph) && numNodes != NULL, CUDA_ERROR_INVALID_VALUE);
    for (size_t i = 0; nodes != NULL && i < *numNodes; ++i)
        nodes[i] = i < hGraph->count ? hGraph->nodes[i] : NULL;
    if (nodes == NULL || *numNodes > hGraph->count)
        *numNodes = hGraph->count;
    END(CUDA_SUCCESS);
}

static CUresult set_params(struct work *work, const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
    struct work next;
    const CUresult result = kernel_work(params, &next);
    if (result != CUDA_SUCCESS)
        return result;
    work_drop(work);
    *work = next;
    return CUDA_SUCCESS;
}

CUresult cuGraphKernelNodeSetParams(CUgraphNode hNode,
                                    const CUDA_KERNEL_NODE_PARAMS_v1 *nodeParams) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(node_good(hNode) && hNode->work.kind == KERNEL, CUDA_ERROR_INVALID_VALUE);
    END(set_params(&hNode->work, nodeParams));
}

CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode hNode,
                                       const CUDA_KERNEL_NODE_PARAMS_v2 *nodeParams) {
    CUDA_KERNEL_NODE_PARAMS_v1 first;
    const CUresult good = second_form(nodeParams, &first);
    return good != CUDA_SUCCESS ? good : cuGraphKernelNodeSetParams(hNode, &first);
}

/* ---- What can be launched -------------------------------------------------------------------- */

static struct work copy_work(const struct work *work) {
    struct work copy = *work;
    if (copy.kind == KERNEL) {
        const size_t bytes = copy.launch.function->kernel->bytes + 1;
        copy.launch.params = malloc(bytes);
        if (copy.launch.params == NULL)
            abort();
        memcpy(copy.launch.params, work->launch.params, bytes);
    }
    return copy;
}

static bool placed(const size_t *order, size_t count, size_t index) {
    for (size_t i = 0; i < count; ++i)
        if (order[i] == index)
            return true;
    return false;
}

static bool can_follow(CUgraphNode node, const bool *done) {
    for (size_t i = 0; i < node->after_count; ++i)
        if (!done[node->after[i]->index])
            return false;
    return true;
}

/* False where the edges make a ring. */
static bool sort_nodes(CUgraph graph, size_t *order) {
    bool *done = calloc(graph->count + 1, 1);
    size_t count = 0, before = 1;
    if (done == NULL)
        abort();
    while (count < graph->count && count != before) {
        before = count;
        for (size_t i = 0; i < graph->count; ++i)
            if (!done[i] && can_follow(graph->nodes[i], done)) {
                order[count++] = i;
                done[i] = true;
            }
        if (before == 0 && count == 0)
            break;
    }
    free(done);
    return count == graph->count;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *phGraphExec, CUgraph hGraph,
                                     unsigned long long flags) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(phGraphExec != NULL && graph_good(hGraph) && flags <= 15,
                  CUDA_ERROR_INVALID_VALUE);
    size_t *order = malloc((hGraph->count + 1) * sizeof *order);
    CUgraphExec exec = calloc(1, sizeof *exec);
    if (order == NULL || exec == NULL)
        abort();
    if (!sort_nodes(hGraph, order)) {
        free(order);
        free(exec);
        END(CUDA_ERROR_INVALID_VALUE);
    }
    exec->magic = EXEC;
    exec->context = context_current();
    exec->count = hGraph->count;
    exec->nodes = order;
    exec->graph = hGraph;
    exec->works = calloc(exec->count + 1, sizeof *exec->works);
    if (exec->works == NULL)
        abort();
    for (size_t i = 0; i < exec->count; ++i)
        exec->works[i] = copy_work(&hGraph->nodes[order[i]]->work);
    exec->next = execs;
    execs = exec;
    *phGraphExec = exec;
    END(CUDA_SUCCESS);
}

static void exec_free(CUgraphExec exec) {
    CUgraphExec *link = &execs;
    while (*link != exec)
        link = &(*link)->next;
    *link = exec->next;
    for (size_t i = 0; i < exec->count; ++i)
        work_drop(&exec->works[i]);
    free(exec->works);
    free(exec->nodes);
    free(exec);
}

void exec_unuse(CUgraphExec exec) {
    if (--exec->users == 0 && exec->magic == 0)
        exec_free(exec);
}

CUresult exec_run(CUstream stream, CUgraphExec exec) {
    CUresult result = CUDA_SUCCESS;
    for (size_t i = 0; i < exec->count && result == CUDA_SUCCESS; ++i)
        result = work_do(stream, &exec->works[i]);
    return result;
}

CUresult cuGraphLaunch(CUgraphExec hGraph, CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = stream_of(hStream);
    REFUSE_UNLESS(exec_good(hGraph), CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    const struct work work = {.kind = RUN, .exec = hGraph};
    ++hGraph->users;
    const CUresult result = stream_put(stream, &work);
    if (result != CUDA_SUCCESS)
        exec_unuse(hGraph);
    END(result);
}

CUresult cuGraphUpload(CUgraphExec hGraph, CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(exec_good(hGraph), CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(stream_of(hStream) != NULL, CUDA_ERROR_INVALID_HANDLE);
    END(CUDA_SUCCESS);
}

/* Launches in progress go on without the handle. */
CUresult cuGraphExecDestroy(CUgraphExec hGraphExec) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(exec_good(hGraphExec), CUDA_ERROR_INVALID_VALUE);
    hGraphExec->magic = 0;
    if (hGraphExec->users == 0)
        exec_free(hGraphExec);
    END(CUDA_SUCCESS);
}

/* Launches in progress keep what they were put in with, so they end first. */
static void settle(CUgraphExec exec) {
    while (exec->users > 0)
        pthread_cond_wait(&progress, &the_lock);
}

CUresult cuGraphExecKernelNodeSetParams(CUgraphExec hGraphExec, CUgraphNode hNode,
                                        const CUDA_KERNEL_NODE_PARAMS_v1 *nodeParams) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(exec_good(hGraphExec) && node_good(hNode) && hNode->graph == hGraphExec->graph &&
                      hNode->work.kind == KERNEL &&
                      placed(hGraphExec->nodes, hGraphExec->count, hNode->index),
                  CUDA_ERROR_INVALID_VALUE);
    settle(hGraphExec);
    size_t at = 0;
    while (hGraphExec->nodes[at] != hNode->index)
        ++at;
    END(set_params(&hGraphExec->works[at], nodeParams));
}

CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec hGraphExec, CUgraphNode hNode,
                                           const CUDA_KERNEL_NODE_PARAMS_v2 *nodeParams) {
    CUDA_KERNEL_NODE_PARAMS_v1 first;
    const CUresult good = second_form(nodeParams, &first);
    return good != CUDA_SUCCESS ? good : cuGraphExecKernelNodeSetParams(hGraphExec, hNode, &first);
}

CUresult cuGraphExecUpdate_v2(CUgraphExec hGraphExec, CUgraph hGraph,
                              CUgraphExecUpdateResultInfo *resultInfo) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(exec_good(hGraphExec) && graph_good(hGraph) && resultInfo != NULL,
                  CUDA_ERROR_INVALID_VALUE);
    *resultInfo = (CUgraphExecUpdateResultInfo){CU_GRAPH_EXEC_UPDATE_SUCCESS, NULL, NULL};
    if (hGraph->count != hGraphExec->count)
        resultInfo->result = CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    for (size_t i = 0; i < hGraph->count && resultInfo->result == CU_GRAPH_EXEC_UPDATE_SUCCESS; ++i)
        if (hGraph->nodes[hGraphExec->nodes[i]]->work.kind != hGraphExec->works[i].kind) {
            resultInfo->result = CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
            resultInfo->errorNode = hGraph->nodes[hGraphExec->nodes[i]];
        }
    REFUSE_UNLESS(resultInfo->result == CU_GRAPH_EXEC_UPDATE_SUCCESS,
                  CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
    settle(hGraphExec);
    for (size_t i = 0; i < hGraphExec->count; ++i) {
        work_drop(&hGraphExec->works[i]);
        hGraphExec->works[i] = copy_work(&hGraph->nodes[hGraphExec->nodes[i]]->work);
    }
    END(CUDA_SUCCESS);
}
