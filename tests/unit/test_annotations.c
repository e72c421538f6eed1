/* SPDX-License-Identifier: GPL-2.0 */
/* USDT notes of provider "ktax" in files made by hand, mapped by this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ktax/ktax.h>

#include "catalogue.h"
#include "spans.h"

/*
 *	0x0000  ELF header, program header (of the code)
 *	0x1000  code at address CODE_VADDR
 *	0x2000  section .note.stapsdt
 *	0x3000  names of sections
 *	0x4000  section headers
 */
#define CODE_OFFSET  0x1000
#define NOTE_OFFSET  0x2000
#define NAMES_OFFSET 0x3000
#define TABLE_OFFSET 0x4000
#define FILE_SIZE    0x5000
#define CODE_VADDR   0x401000
#define BASE_VADDR   0x500000

enum { SECTION_NULL, SECTION_NOTE, SECTION_BASE, SECTION_NAMES, SECTIONS };

static const char names[] = "\0.note.stapsdt\0.stapsdt.base\0.shstrtab";

struct file {
	uint8_t bytes[FILE_SIZE];
	size_t note_bytes;
	char path[64];
	void *mapping;
	struct span_list *list;
};

static void file_begin(struct file *file)
{
	*file = (struct file){ .path = "/tmp/ktax-annotations.XXXXXX" };
}

static void add_bytes(struct file *file, const void *bytes, size_t n)
{
	assert_true(file->note_bytes + n < NAMES_OFFSET - NOTE_OFFSET);
	memcpy(&file->bytes[NOTE_OFFSET + file->note_bytes], bytes, n);
	file->note_bytes += n;
}

static void add_note_linked_at(struct file *file, uint64_t base, uint64_t vaddr, uint64_t semaphore,
                               const char *name, const char *arguments)
{
	const uint64_t addresses[] = { vaddr, base, semaphore };
	const char provider[] = "ktax";
	const uint32_t description = (uint32_t)(sizeof(addresses) + sizeof(provider) +
	                                        strlen(name) + 1 + strlen(arguments) + 1);
	const uint32_t header[] = { sizeof("stapsdt"), description, 3 };

	add_bytes(file, header, sizeof(header));
	add_bytes(file, "stapsdt", sizeof("stapsdt"));
	add_bytes(file, addresses, sizeof(addresses));
	add_bytes(file, provider, sizeof(provider));
	add_bytes(file, name, strlen(name) + 1);
	add_bytes(file, arguments, strlen(arguments) + 1);
	file->note_bytes = (file->note_bytes + 3) & ~3UL;
}

static void add_note(struct file *file, uint64_t vaddr, const char *name, const char *arguments)
{
	add_note_linked_at(file, BASE_VADDR, vaddr, 0, name, arguments);
}

static void add_headers(struct file *file)
{
	const Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
		             EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_shoff = TABLE_OFFSET,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SECTION_NAMES,
	};
	const Elf64_Phdr phdr = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = CODE_OFFSET,
		.p_vaddr = CODE_VADDR,
		.p_filesz = 0x1000,
		.p_memsz = 0x1000,
	};

	memcpy(file->bytes, &ehdr, sizeof(ehdr));
	memcpy(&file->bytes[sizeof(ehdr)], &phdr, sizeof(phdr));
}

static void add_sections(struct file *file)
{
	const Elf64_Shdr table[SECTIONS] = {
		[SECTION_NOTE] = { .sh_name = 1,
		                   .sh_type = SHT_NOTE,
		                   .sh_offset = NOTE_OFFSET,
		                   .sh_size = file->note_bytes,
		                   .sh_addralign = 4 },
		[SECTION_BASE] = { .sh_name = 15,
		                   .sh_type = SHT_PROGBITS,
		                   .sh_flags = SHF_ALLOC,
		                   .sh_addr = BASE_VADDR,
		                   .sh_offset = CODE_OFFSET,
		                   .sh_size = 1 },
		[SECTION_NAMES] = { .sh_name = 29,
		                    .sh_type = SHT_STRTAB,
		                    .sh_offset = NAMES_OFFSET,
		                    .sh_size = sizeof(names) },
	};

	memcpy(&file->bytes[NAMES_OFFSET], names, sizeof(names));
	memcpy(&file->bytes[TABLE_OFFSET], table, sizeof(table));
}

static void file_find(struct file *file)
{
	struct catalogue *catalogue = NULL;
	const pid_t self = getpid();
	char message[CATALOGUE_MESSAGE_SIZE];

	assert_int_equal(
		catalogue_add_span(&catalogue, "nothing:nothing", message, sizeof(message)), 0);
	assert_int_equal(spans_find(&self, 1, catalogue, &file->list), 0);
	catalogue_free(catalogue);
}

/* Writes the file, maps it, and looks for what is in it. */
static void file_end(struct file *file)
{
	int fd = mkstemp(file->path);

	assert_true(fd >= 0);
	add_headers(file);
	add_sections(file);
	assert_int_equal(pwrite(fd, file->bytes, FILE_SIZE, 0), FILE_SIZE);
	file->mapping = mmap(NULL, FILE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(file->mapping, MAP_FAILED);
	close(fd);
	file_find(file);
}

static void file_release(struct file *file)
{
	span_list_free(file->list);
	munmap(file->mapping, FILE_SIZE);
	unlink(file->path);
}

static void both_ends_are_found_in_order_of_offset(void **state)
{
	const struct span_annotation *found;
	struct file file;

	file_begin(&file);
	add_note(&file, CODE_VADDR + 0x20, "span_end", "-4@$2");
	add_note(&file, CODE_VADDR + 0x10, "span_begin", "-4@$2");
	file_end(&file);
	assert_int_equal(file.list->nusdt, 1);
	assert_int_equal(file.list->nrefusals, 0);
	assert_int_equal(file.list->usdt->nannotations, 2);
	found = file.list->usdt->annotations;
	assert_true(found[0].begins && found[0].offset == CODE_OFFSET + 0x10);
	assert_true(!found[1].begins && found[1].offset == CODE_OFFSET + 0x20);
	assert_int_equal(found[0].account, KTAX_SERIALIZE);
	file_release(&file);
}

static void the_numbers_are_those_of_the_header_of_annotations(void **state)
{
	static const struct {
		const char *account;
		int number;
	} wanted[] = {
#define WANTED(symbol, name, number) { #name, number },
		KTAX_SPAN_ACCOUNTS(WANTED)
#undef WANTED
	};
	const size_t n = sizeof(wanted) / sizeof(wanted[0]);
	struct file file;
	char argument[16];

	file_begin(&file);
	for (size_t i = 0; i < n; i++) {
		snprintf(argument, sizeof(argument), "-4@$%d", wanted[i].number);
		add_note(&file, CODE_VADDR + i, "span_begin", argument);
	}
	file_end(&file);
	assert_int_equal(file.list->usdt->nannotations, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(ktax_account_info[file.list->usdt->annotations[i].account].name,
		                    wanted[i].account);
	file_release(&file);
}

static void addresses_follow_the_base_section_when_it_was_moved(void **state)
{
	struct file file;

	file_begin(&file);
	add_note_linked_at(&file, BASE_VADDR - 0x1000, CODE_VADDR - 0x1000 + 0x30, 0, "span_begin",
	                   "-4@$2");
	add_note_linked_at(&file, 0, CODE_VADDR + 0x40, 0, "span_end", "-4@$2");
	file_end(&file);
	assert_int_equal(file.list->usdt->nannotations, 2);
	assert_int_equal(file.list->usdt->annotations[0].offset, CODE_OFFSET + 0x30);
	assert_int_equal(file.list->usdt->annotations[1].offset, CODE_OFFSET + 0x40);
	file_release(&file);
}

static void code_that_the_linker_shares_is_probed_once(void **state)
{
	struct file file;

	file_begin(&file);
	for (int i = 0; i < 3; i++)
		add_note(&file, CODE_VADDR + 0x10, "span_begin", "-4@$3");
	file_end(&file);
	assert_int_equal(file.list->usdt->nannotations, 1);
	file_release(&file);
}

static void assert_refused(uint64_t vaddr, uint64_t semaphore, const char *name,
                           const char *arguments, const char *reason)
{
	struct file file;

	file_begin(&file);
	add_note_linked_at(&file, BASE_VADDR, vaddr, semaphore, name, arguments);
	add_note_linked_at(&file, BASE_VADDR, vaddr, semaphore, name, arguments);
	file_end(&file);
	assert_int_equal(file.list->nusdt, 0);
	assert_int_equal(file.list->nrefusals, 1);
	assert_string_equal(file.list->refusals->label, "ktax:span");
	assert_non_null(strstr(file.list->refusals->reason, reason));
	file_release(&file);
}

static void what_cannot_be_probed_is_refused_with_the_reason_once(void **state)
{
	static const char *const not_constant[] = { "",       "-4@%eax", "-4@-20(%rbp)", "-4@2",
		                                    "-4@$",   "-4@$2 ",  "-4@$2 -4@$3",  "$2",
		                                    "-4@$0x2" };

	for (size_t i = 0; i < sizeof(not_constant) / sizeof(not_constant[0]); i++)
		assert_refused(CODE_VADDR, 0, "span_begin", not_constant[i], "not a constant");
	assert_refused(CODE_VADDR, BASE_VADDR, "span_begin", "-4@$2", "semaphore");
	assert_refused(CODE_VADDR, 0, "span_begin", "-4@$9", "not known");
	assert_refused(CODE_VADDR, 0, "span_begin", "-4@$0", "not known");
	assert_refused(CODE_VADDR, 0, "span_end", "-4@$99999999999999999999", "not known");
	assert_refused(CODE_VADDR, 0, "span_change", "-4@$2", "span_begin and span_end only");
	assert_refused(0, 0, "span_begin", "-4@$2", "not in the code");
	assert_refused(UINT64_MAX, 0, "span_begin", "-4@$2", "not in the code");
}

static void notes_that_end_early_are_passed_over(void **state)
{
	const uint32_t no_strings[] = { sizeof("stapsdt"), 24, 3 };
	const uint32_t no_end[] = { sizeof("stapsdt"), 32, 3 };
	const uint32_t too_long[] = { sizeof("stapsdt"), 0x7fffffff, 3 };
	const uint64_t addresses[] = { CODE_VADDR, BASE_VADDR, 0 };
	struct file file;

	file_begin(&file);
	add_bytes(&file, no_strings, sizeof(no_strings));
	add_bytes(&file, "stapsdt", 8);
	add_bytes(&file, addresses, sizeof(addresses));
	add_bytes(&file, no_end, sizeof(no_end));
	add_bytes(&file, "stapsdt", 8);
	add_bytes(&file, addresses, sizeof(addresses));
	add_bytes(&file, "ktax\0spa", 8);
	add_note(&file, CODE_VADDR, "span_begin", "-4@$2");
	add_bytes(&file, too_long, sizeof(too_long));
	add_bytes(&file, "stapsdt", 8);
	file_end(&file);
	assert_int_equal(file.list->nusdt, 1);
	assert_int_equal(file.list->usdt->nannotations, 1);
	file_release(&file);
}

static void a_file_with_other_annotations_is_a_change(void **state)
{
	struct span_changes changes;
	struct span_list *before;
	struct file file;
	int fd;

	file_begin(&file);
	add_note(&file, CODE_VADDR, "span_begin", "-4@$2");
	file_end(&file);
	before = file.list;
	file_find(&file);
	assert_int_equal(spans_compare(before, file.list, &changes), 0);
	assert_int_equal(changes.nusdt_added + changes.nusdt_removed, 0);
	span_changes_release(&changes);
	span_list_free(file.list);

	file.note_bytes = 0;
	add_note(&file, CODE_VADDR, "span_begin", "-4@$3");
	fd = open(file.path, O_WRONLY);
	assert_int_equal(pwrite(fd, file.bytes, FILE_SIZE, 0), FILE_SIZE);
	close(fd);
	file_find(&file);
	assert_int_equal(spans_compare(before, file.list, &changes), 0);
	assert_int_equal(changes.nusdt_added, 1);
	assert_int_equal(changes.nusdt_removed, 1);
	span_changes_release(&changes);
	span_list_free(before);
	file_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_are_found_in_order_of_offset),
		cmocka_unit_test(the_numbers_are_those_of_the_header_of_annotations),
		cmocka_unit_test(addresses_follow_the_base_section_when_it_was_moved),
		cmocka_unit_test(code_that_the_linker_shares_is_probed_once),
		cmocka_unit_test(what_cannot_be_probed_is_refused_with_the_reason_once),
		cmocka_unit_test(notes_that_end_early_are_passed_over),
		cmocka_unit_test(a_file_with_other_annotations_is_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
