/* SPDX-License-Identifier: MIT */
/* Reads and writes the images of the fake CUDA driver. */
#include "cuda_image.h"

#include "cuda_abi.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in real files: ABI version 7 has the architecture in the lowest byte of the flags, version 8,
   which came with sm_100, in the second. */
enum { OSABI_7 = 0x33, OSABI_8 = 0x41, MACHINE = 190, SPECIFIC_7 = 0x800, SPECIFIC_8 = 0x8 };

static const char names[] = "\0.shstrtab\0.host.object";
enum { NAME_OF_NAMES = 1, NAME_OF_OBJECT = 11, SECTIONS = 3 };

void *image_write(const void *object, size_t object_bytes, int architecture, bool specific,
                  size_t *bytes) {
    const size_t object_at = sizeof(Elf64_Ehdr) + 64;
    const size_t table_at = (object_at + object_bytes + 7) / 8 * 8;
    *bytes = table_at + SECTIONS * sizeof(Elf64_Shdr);
    unsigned char *image = calloc(1, *bytes);
    if (image == NULL)
        return NULL;
    const bool young = architecture >= 100;
    Elf64_Ehdr head = {.e_type = ET_EXEC, .e_machine = MACHINE, .e_shoff = table_at};
    memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = ELFDATA2LSB;
    head.e_ident[EI_VERSION] = EV_CURRENT;
    head.e_ident[EI_OSABI] = young ? OSABI_8 : OSABI_7;
    head.e_ident[EI_ABIVERSION] = young ? 8 : 7;
    head.e_version = young ? 1 : 129;
    const unsigned sm = (unsigned)architecture;
    head.e_flags = young ? 0x06000002u | sm << 8 | (specific ? SPECIFIC_8 : 0u)
                         : 0x00000500u | sm << 16 | sm | (specific ? SPECIFIC_7 : 0u);
    head.e_ehsize = sizeof head;
    head.e_phentsize = sizeof(Elf64_Phdr);
    head.e_shentsize = sizeof(Elf64_Shdr);
    head.e_shnum = SECTIONS;
    head.e_shstrndx = 1;
    const Elf64_Shdr table[SECTIONS] = {{0},
                                        {.sh_name = NAME_OF_NAMES,
                                         .sh_type = SHT_STRTAB,
                                         .sh_offset = sizeof head,
                                         .sh_size = sizeof names,
                                         .sh_addralign = 1},
                                        {.sh_name = NAME_OF_OBJECT,
                                         .sh_type = SHT_PROGBITS,
                                         .sh_offset = object_at,
                                         .sh_size = object_bytes,
                                         .sh_addralign = 1}};
    memcpy(image, &head, sizeof head);
    memcpy(image + sizeof head, names, sizeof names);
    memcpy(image + object_at, object, object_bytes);
    memcpy(image + table_at, table, sizeof table);
    return image;
}

/* The driver takes no length, and so does this. */
static CUresult read_cubin(const unsigned char *data, int capability, struct image *image) {
    Elf64_Ehdr head;
    Elf64_Shdr section;
    memcpy(&head, data, sizeof head);
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != MACHINE ||
        head.e_shnum != SECTIONS || head.e_shentsize != sizeof section)
        return CUDA_ERROR_INVALID_IMAGE;
    const bool young = head.e_ident[EI_ABIVERSION] >= 8;
    image->architecture = (int)(young ? head.e_flags >> 8 & 0xff : head.e_flags & 0xff);
    image->specific = (head.e_flags & (young ? SPECIFIC_8 : SPECIFIC_7)) != 0;
    /* A cubin runs on its own generation from its own minor version on; one for a specific
       architecture on that alone. */
    if (image->architecture / 10 != capability / 10 || image->architecture > capability ||
        (image->specific && image->architecture != capability))
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    memcpy(&section, data + head.e_shoff + 2 * sizeof section, sizeof section);
    image->object_bytes = section.sh_size;
    image->object = malloc(section.sh_size);
    if (image->object == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(image->object, data + section.sh_offset, section.sh_size);
    return CUDA_SUCCESS;
}

/* The newest PTX that a driver knows, by the ISA's list of releases. */
static int newest_ptx(int driver_version) {
    static const int table[][2] = {{13000, 90}, {12090, 88}, {12080, 87}, {12070, 86}, {12050, 85},
                                   {12040, 84}, {12030, 83}, {12020, 82}, {12010, 81}, {12000, 80},
                                   {11080, 78}, {11070, 77}, {11060, 76}, {11050, 75}, {11040, 74},
                                   {11030, 73}, {11020, 72}, {11010, 71}, {11000, 70}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i)
        if (driver_version >= table[i][0])
            return table[i][1];
    return 65;
}

/* The CUDA C in the comments of PTX. */
static char *embedded(const char *text) {
    char *source = calloc(1, strlen(text) + 1);
    char *to = source;
    while (source != NULL && (text = strstr(text, "//@ ")) != NULL) {
        const size_t length = strcspn(text + 4, "\n");
        memcpy(to, text + 4, length);
        to[length] = '\n';
        to += length + 1;
        text += 4 + length;
    }
    return source;
}

static CUresult read_ptx(const char *text, int capability, int driver_version, struct image *image,
                         char *log, size_t log_bytes) {
    int major = 0, minor = 0;
    char suffix = ' ';
    const char *version = strstr(text, ".version");
    const char *target = strstr(text, ".target sm_");
    if (version == NULL || sscanf(version, ".version %d.%d", &major, &minor) != 2 ||
        target == NULL || sscanf(target, ".target sm_%d%c", &image->architecture, &suffix) < 1 ||
        strstr(text, ".entry") == NULL) {
        snprintf(log, log_bytes, "ptxas fatal   : Parsing error near '.version'\n");
        return CUDA_ERROR_INVALID_PTX;
    }
    image->ptx_version = 10 * major + minor;
    image->specific = suffix == 'a';
    if (image->ptx_version > newest_ptx(driver_version)) {
        snprintf(log, log_bytes,
                 "ptxas application ptx input, line 1; fatal   : Unsupported "
                 ".version %d.%d; current version is '%d.%d'\n",
                 major, minor, newest_ptx(driver_version) / 10, newest_ptx(driver_version) % 10);
        return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    }
    if (image->architecture > capability ||
        (image->specific && image->architecture != capability)) {
        snprintf(log, log_bytes,
                 "ptxas application ptx input, line 2; fatal   : SM version "
                 "specified by .target is higher than default SM version assumed\n");
        return CUDA_ERROR_INVALID_PTX;
    }
    char *source = embedded(text);
    char *said = NULL;
    const int failed = source == NULL || source[0] == '\0' ||
                       compile(source, NULL, 0, &said, &image->object, &image->object_bytes) != 0;
    if (failed)
        snprintf(log, log_bytes, "ptxas fatal   : %s\n", said == NULL ? "no code" : said);
    free(said);
    free(source);
    return failed ? CUDA_ERROR_INVALID_PTX : CUDA_SUCCESS;
}

int image_read(const void *data, int capability, int driver_version, struct image *image, char *log,
               size_t log_bytes) {
    *image = (struct image){NULL, 0, 0, false, 0};
    log[0] = '\0';
    if (memcmp(data, ELFMAG, SELFMAG) == 0)
        return (int)read_cubin(data, capability, image);
    const char *text = data;
    text += strspn(text, " \t\r\n");
    if (strncmp(text, "//", 2) == 0 || strncmp(text, ".version", 8) == 0)
        return (int)read_ptx(text, capability, driver_version, image, log, log_bytes);
    return CUDA_ERROR_INVALID_IMAGE;
}
