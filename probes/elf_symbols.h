/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ktax needs of an ELF file: its soname, functions by name, USDT probes, code bytes, file
 * offsets.
 *
 * The files are those of other people's processes: nothing in them is trusted. A broken file gives
 * -EBADMSG or fewer symbols.
 */
#ifndef KTAX_ELF_SYMBOLS_H
#define KTAX_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image;

struct elf_function {
	char *name; /* as in the symbol table (C++: mangled), without a version */
	uint64_t vaddr;
	uint64_t size; /* bytes, 0 if unknown */
	bool indirect; /* an IFUNC: @vaddr is its resolver and not the function */
};

struct elf_functions {
	struct elf_function *functions;
	size_t n;
};

/* Opens @path. -EBADMSG if it is no ELF file; other negative errno from opening it. */
int elf_image_open(const char *path, struct elf_image **ret);
void elf_image_close(struct elf_image *image);

/* DT_SONAME, "" if there is none. Valid until elf_image_close(). */
const char *elf_image_soname(const struct elf_image *image);

/* 64-bit x86 code, which code_flow.h can decode. */
bool elf_image_is_x86_64(const struct elf_image *image);

/* Has code that cleans up or catches when a C++ exception passes. */
bool elf_image_has_exceptions(const struct elf_image *image);

/* A program made by Go, whose runtime moves stacks and inspects return addresses. */
bool elf_image_is_go(const struct elf_image *image);

/* A USDT probe, as a note in the file describes it. The strings are those of the file. */
struct elf_usdt {
	const char *name;
	const char *arguments; /* "-4@$2 8@%rdi"; "" if there are none */
	uint64_t vaddr;        /* of the instruction that stands for the probe */
	uint64_t semaphore;    /* address of a counter to be raised while it is attached; 0: none */
};

/* Nonzero ends the iteration. @usdt is valid until elf_image_close(). */
typedef int (*elf_usdt_visitor)(void *context, const struct elf_usdt *usdt);

/* Calls @visit for each USDT note of @provider. 0, or what @visit returned at the end. */
int elf_image_usdt(const struct elf_image *image, const char *provider, elf_usdt_visitor visit,
                   void *context);

/*
 * The functions defined in the file (.dynsym and .symtab) whose name matches one of the globs
 * @symbols (NULL-terminated). One entry per name and address, in order of address. 0 or -ENOMEM.
 */
int elf_image_functions(const struct elf_image *image, char *const *symbols,
                        struct elf_functions *ret);
void elf_functions_release(struct elf_functions *functions);

/* The file offset of executable address @vaddr; -ENOENT if no executable segment has it. */
int elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *ret);

/* These two have the signatures that struct code_source wants; @image is a struct elf_image. */
size_t elf_image_read_code(void *image, uint64_t vaddr, uint8_t *bytes, size_t n);
const char *elf_image_import(void *image, uint64_t slot, uint64_t *ret_vaddr);

#endif
