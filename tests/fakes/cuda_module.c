/* SPDX-License-Identifier: MIT */
/* Modules and functions of the fake CUDA driver. */
#include "cuda_fake.h"
#include "cuda_image.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CUmodule modules;
static CUmodule retired; /* unloaded, while work of their context was in progress */

bool function_good(CUfunction function) {
    for (CUmodule module = modules; module != NULL; module = module->next)
        for (CUfunction at = module->functions; at != NULL; at = at->next)
            if (at == function)
                return context_good(module->context);
    return false;
}

static bool module_good(CUmodule module) {
    for (CUmodule at = modules; at != NULL; at = at->next)
        if (at == module)
            return context_good(at->context);
    return false;
}

/* Bytes of the shared variables of a kernel: its own static ones are thread-local in the object,
   under names that begin with the mangled name of the kernel. */
static int shared_bytes(const struct image *image, const char *kernel) {
    const unsigned char *data = image->object;
    const Elf64_Ehdr *head = (const void *)data;
    const Elf64_Shdr *sections = (const void *)(data + head->e_shoff);
    char prefix[256];
    int total = 0;
    if (strncmp(kernel, "_Z", 2) == 0)
        snprintf(prefix, sizeof prefix, "_ZZ%sE", kernel + 2);
    else
        snprintf(prefix, sizeof prefix, "_ZZ%zu%sE", strlen(kernel), kernel);
    for (int i = 0; i < head->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB)
            continue;
        const char *names = (const char *)data + sections[sections[i].sh_link].sh_offset;
        const Elf64_Sym *symbols = (const void *)(data + sections[i].sh_offset);
        for (size_t s = 0; s < sections[i].sh_size / sizeof *symbols; ++s)
            if (ELF64_ST_TYPE(symbols[s].st_info) == STT_TLS &&
                strncmp(names + symbols[s].st_name, prefix, strlen(prefix)) == 0)
                total += (int)symbols[s].st_size;
    }
    return total;
}

static void add_functions(CUmodule module, const struct image *image) {
    int barriers = 0;
    const struct fake_kernel *(*kernels)(int *) =
        (const struct fake_kernel *(*)(int *))(uintptr_t)dlsym(module->library, "fake_kernels");
    if (kernels == NULL)
        return;
    for (const struct fake_kernel *kernel = kernels(&barriers); kernel->run != NULL; ++kernel) {
        Dl_info info;
        CUfunction function = calloc(1, sizeof *function);
        if (function == NULL || dladdr(kernel->function, &info) == 0 || info.dli_sname == NULL)
            abort();
        function->magic = FUNCTION;
        function->module = module;
        function->kernel = kernel;
        function->name = info.dli_sname;
        function->barriers = barriers != 0;
        function->static_shared = shared_bytes(image, function->name);
        function->dynamic_shared = devices[module->context->device].attributes[8];
        function->next = module->functions;
        module->functions = function;
    }
}

static CUresult load(CUmodule *module, const void *data, char *log, size_t log_bytes) {
    const CUcontext context = context_current();
    const int *attributes = devices[context->device].attributes;
    struct image image;
    const CUresult result = (CUresult)image_read(data, 10 * attributes[75] + attributes[76],
                                                 driver_version, &image, log, log_bytes);
    if (result != CUDA_SUCCESS)
        return result;
    CUmodule made = calloc(1, sizeof *made);
    void *library = made == NULL ? NULL : object_open(image.object, image.object_bytes);
    if (library == NULL) {
        free(made);
        free(image.object);
        return made == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
    }
    made->magic = MODULE;
    made->context = context;
    made->library = library;
    made->place = (struct fake_place * (*)(void))(uintptr_t)dlsym(library, "fake_place_here");
    made->architecture = image.architecture;
    made->ptx_version = image.ptx_version;
    add_functions(made, &image);
    free(image.object);
    made->next = modules;
    modules = made;
    *module = made;
    return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    char log[8192];
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(module != NULL && image != NULL, CUDA_ERROR_INVALID_VALUE);
    END(load(module, image, log, sizeof log));
}

/* The sizes of the logs come and go in the slots of the pointers themselves. */
static void give_log(void **buffer, void **size, const char *log) {
    if (size == NULL || buffer == NULL || *buffer == NULL)
        return;
    const size_t room = (size_t)(uintptr_t)*size;
    if (room != 0)
        snprintf(*buffer, room, "%s", log);
    const size_t all = strlen(log) + 1;
    *size = (void *)(uintptr_t)(log[0] == '\0' ? 0 : all < room ? all : room);
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int numOptions,
                            CUjit_option *options, void **optionValues) {
    char log[8192];
    void **slots[8] = {NULL};
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(module != NULL && image != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(numOptions == 0 || (options != NULL && optionValues != NULL),
                  CUDA_ERROR_INVALID_VALUE);
    for (unsigned i = 0; i < numOptions; ++i) {
        REFUSE_UNLESS((unsigned)options[i] < 40, CUDA_ERROR_INVALID_VALUE);
        if ((unsigned)options[i] < 8)
            slots[options[i]] = &optionValues[i];
    }
    const CUresult result = load(module, image, log, sizeof log);
    give_log(slots[CU_JIT_ERROR_LOG_BUFFER], slots[CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES], log);
    give_log(slots[CU_JIT_INFO_LOG_BUFFER], slots[CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES], "");
    END(result);
}

static void module_free(CUmodule module) {
    while (module->functions != NULL) {
        CUfunction next = module->functions->next;
        free(module->functions);
        module->functions = next;
    }
    memory_drop_module(module->library);
    dlclose(module->library);
    free(module);
}

/* Its handle is of no use from here on. Its code goes once nothing runs that may be using it. */
static void module_retire(CUmodule module) {
    CUmodule *link = &modules;
    while (*link != module)
        link = &(*link)->next;
    *link = module->next;
    module->next = retired;
    retired = module;
}

static void free_retired(void) {
    for (CUmodule *link = &retired; *link != NULL;) {
        const CUmodule module = *link;
        if (context_busy(module->context)) {
            link = &module->next;
            continue;
        }
        *link = module->next;
        module_free(module);
    }
}

CUresult cuModuleUnload(CUmodule hmod) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(hmod != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(module_good(hmod), CUDA_ERROR_INVALID_HANDLE);
    module_retire(hmod);
    free_retired();
    END(CUDA_SUCCESS);
}

void modules_close(CUcontext context) {
    for (CUmodule at = modules, next; at != NULL; at = next) {
        next = at->next;
        if (at->context == context)
            module_retire(at);
    }
    free_retired();
}

CUresult cuModuleGetFunction(CUfunction *hfunc, CUmodule hmod, const char *name) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(hfunc != NULL && name != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(module_good(hmod), CUDA_ERROR_INVALID_HANDLE);
    for (CUfunction at = hmod->functions; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0) {
            *hfunc = at;
            END(CUDA_SUCCESS);
        }
    END(CUDA_ERROR_NOT_FOUND);
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *dptr, size_t *bytes, CUmodule hmod, const char *name) {
    BEGIN(NEEDS_CONTEXT);
    Dl_info info;
    Elf64_Sym *symbol = NULL;
    REFUSE_UNLESS(name != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(module_good(hmod), CUDA_ERROR_INVALID_HANDLE);
    void *address = dlsym(hmod->library, name);
    REFUSE_UNLESS(address != NULL && dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0,
                  CUDA_ERROR_NOT_FOUND);
    if (memory_at((uintptr_t)address) == NULL) {
        const struct memory memory = {.base = (uintptr_t)address,
                                      .size = symbol->st_size,
                                      .kind = OF_MODULE,
                                      .device = hmod->context->device,
                                      .context = hmod->context,
                                      .library = hmod->library};
        memory_add(&memory);
    }
    if (dptr != NULL)
        *dptr = (uintptr_t)address;
    if (bytes != NULL)
        *bytes = symbol->st_size;
    END(CUDA_SUCCESS);
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(mode != NULL, CUDA_ERROR_INVALID_VALUE);
    *mode = CU_MODULE_LAZY_LOADING;
    END(CUDA_SUCCESS);
}

/* ---- Functions ------------------------------------------------------------------------------- */

CUresult cuFuncGetAttribute(int *pi, CUfunction_attribute attrib, CUfunction hfunc) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(pi != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(function_good(hfunc), CUDA_ERROR_INVALID_HANDLE);
    const CUmodule module = hfunc->module;
    const int values[] = {[CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK] =
                              (int)hfunc->kernel->max_threads,
                          [CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES] = hfunc->static_shared,
                          [CU_FUNC_ATTRIBUTE_NUM_REGS] = 16,
                          [CU_FUNC_ATTRIBUTE_PTX_VERSION] = module->architecture,
                          [CU_FUNC_ATTRIBUTE_BINARY_VERSION] = module->architecture,
                          [CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES] = hfunc->dynamic_shared,
                          [CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT] = -1};
    REFUSE_UNLESS((unsigned)attrib < sizeof values / sizeof values[0], CUDA_ERROR_INVALID_VALUE);
    *pi = values[attrib];
    END(CUDA_SUCCESS);
}

CUresult cuFuncSetAttribute(CUfunction hfunc, CUfunction_attribute attrib, int value) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(function_good(hfunc), CUDA_ERROR_INVALID_HANDLE);
    const int *attributes = devices[hfunc->module->context->device].attributes;
    if (attrib == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
        REFUSE_UNLESS(value >= 0 && value + hfunc->static_shared <= attributes[97],
                      CUDA_ERROR_INVALID_VALUE);
        hfunc->dynamic_shared = value;
        END(CUDA_SUCCESS);
    }
    REFUSE_UNLESS(attrib == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT && value >= -1 &&
                      value <= 100,
                  CUDA_ERROR_INVALID_VALUE);
    END(CUDA_SUCCESS);
}

CUresult cuFuncGetParamInfo(CUfunction func, size_t paramIndex, size_t *paramOffset,
                            size_t *paramSize) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(paramOffset != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(function_good(func), CUDA_ERROR_INVALID_HANDLE);
    REFUSE_UNLESS(paramIndex < func->kernel->params, CUDA_ERROR_INVALID_VALUE);
    *paramOffset = func->kernel->offsets[paramIndex];
    if (paramSize != NULL)
        *paramSize = func->kernel->sizes[paramIndex];
    END(CUDA_SUCCESS);
}

CUresult cuFuncGetName(const char **name, CUfunction hfunc) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(name != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(function_good(hfunc), CUDA_ERROR_INVALID_HANDLE);
    *name = hfunc->name;
    END(CUDA_SUCCESS);
}

CUresult cuFuncLoad(CUfunction hfunc) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(function_good(hfunc), CUDA_ERROR_INVALID_HANDLE);
    END(CUDA_SUCCESS);
}

CUresult cuFuncGetModule(CUmodule *hmod, CUfunction hfunc) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(hmod != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(function_good(hfunc), CUDA_ERROR_INVALID_HANDLE);
    *hmod = hfunc->module;
    END(CUDA_SUCCESS);
}
