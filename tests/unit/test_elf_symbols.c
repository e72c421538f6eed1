/* SPDX-License-Identifier: GPL-2.0 */
/* The fixture library whole, and in 3,000 damaged copies. Argument: its path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_symbols.h"
#include "placement.h"

static const char *fixture;

static struct elf_image *open_fixture(void)
{
	struct elf_image *image = NULL;

	assert_int_equal(elf_image_open(fixture, &image), 0);
	return image;
}

static struct elf_functions find(const struct elf_image *image, char *pattern)
{
	char *const symbols[] = { pattern, NULL };
	struct elf_functions functions;

	assert_int_equal(elf_image_functions(image, symbols, &functions), 0);
	return functions;
}

static void the_soname_is_read(void **state)
{
	struct elf_image *image = open_fixture();

	assert_string_equal(elf_image_soname(image), "libspan_fixture.so.1");
	assert_true(elf_image_is_x86_64(image));
	elf_image_close(image);
}

static void exact_names_and_globs_find_functions(void **state)
{
	struct elf_image *image = open_fixture();
	struct elf_functions one = find(image, "fixture_parse"), many = find(image, "fixture_*e");

	assert_int_equal(one.n, 1);
	assert_string_equal(one.functions[0].name, "fixture_parse");
	assert_true(one.functions[0].size > 0);
	assert_true(many.n >= 2);
	elf_functions_release(&one);
	elf_functions_release(&many);
	elf_image_close(image);
}

static void local_functions_are_found_while_the_file_is_not_stripped(void **state)
{
	struct elf_image *image = open_fixture();
	struct elf_functions functions = find(image, "fixture_hidden_work");

	assert_int_equal(functions.n, 1);
	elf_functions_release(&functions);
	elf_image_close(image);
}

static void a_function_in_both_symbol_tables_is_found_once(void **state)
{
	struct elf_image *image = open_fixture();
	struct elf_functions functions = find(image, "fixture_write");

	assert_int_equal(functions.n, 1);
	elf_functions_release(&functions);
	elf_image_close(image);
}

static void an_indirect_function_is_marked(void **state)
{
	struct elf_image *image = open_fixture();
	struct elf_functions functions = find(image, "fixture_indirect");

	assert_int_equal(functions.n, 1);
	assert_true(functions.functions[0].indirect);
	elf_functions_release(&functions);
	elf_image_close(image);
}

static void imported_functions_are_not_of_this_file(void **state)
{
	struct elf_image *image = open_fixture();
	struct elf_functions functions = find(image, "__cxa_finalize");

	assert_int_equal(functions.n, 0);
	elf_functions_release(&functions);
	elf_image_close(image);
}

static void an_offset_is_where_the_bytes_are_in_the_file(void **state)
{
	struct elf_image *image = open_fixture();
	struct elf_functions functions = find(image, "fixture_parse");
	uint8_t code[8], bytes[8];
	uint64_t offset;
	int fd = open(fixture, O_RDONLY);

	assert_int_equal(elf_image_offset(image, functions.functions[0].vaddr, &offset), 0);
	assert_int_equal(elf_image_read_code(image, functions.functions[0].vaddr, code, 8), 8);
	assert_int_equal(pread(fd, bytes, 8, (off_t)offset), 8);
	assert_memory_equal(code, bytes, 8);
	assert_int_equal(elf_image_offset(image, UINT64_MAX, &offset), -ENOENT);
	close(fd);
	elf_functions_release(&functions);
	elf_image_close(image);
}

struct seen_usdt {
	size_t begins, ends, others;
	struct elf_usdt last;
};

static int see_usdt(void *context, const struct elf_usdt *usdt)
{
	struct seen_usdt *seen = context;

	seen->begins += !strcmp(usdt->name, "span_begin");
	seen->ends += !strcmp(usdt->name, "span_end");
	seen->others += strncmp(usdt->name, "span_", 5) != 0;
	seen->last = *usdt;
	return 0;
}

static int stop_at_first(void *context, const struct elf_usdt *usdt)
{
	*(int *)context += 1;
	return -E2BIG;
}

static void usdt_notes_of_a_provider_are_read(void **state)
{
	struct elf_image *image = open_fixture();
	struct seen_usdt seen = { 0 }, none = { 0 };
	uint8_t nop;

	assert_int_equal(elf_image_usdt(image, "ktax", see_usdt, &seen), 0);
	assert_int_equal(seen.begins, 1);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.others, 0);
	assert_string_equal(seen.last.arguments, "-4@$7");
	assert_int_equal(seen.last.semaphore, 0);
	assert_int_equal(elf_image_read_code(image, seen.last.vaddr, &nop, 1), 1);
	assert_int_equal(nop, 0x90);
	assert_int_equal(elf_image_usdt(image, "kta", see_usdt, &none), 0);
	assert_int_equal(elf_image_usdt(image, "python", see_usdt, &none), 0);
	assert_int_equal(none.begins + none.ends + none.others, 0);
	elf_image_close(image);
}

static void the_iteration_over_usdt_notes_can_be_ended(void **state)
{
	struct elf_image *image = open_fixture();
	int calls = 0;

	assert_int_equal(elf_image_usdt(image, "ktax", stop_at_first, &calls), -E2BIG);
	assert_int_equal(calls, 1);
	elf_image_close(image);
}

static void what_is_no_elf_file_is_refused(void **state)
{
	struct elf_image *image;

	assert_int_equal(elf_image_open("/etc/passwd", &image), -EBADMSG);
	assert_int_equal(elf_image_open("/dev/zero", &image), -EBADMSG);
	assert_int_equal(elf_image_open("/tmp", &image), -EBADMSG);
	assert_int_equal(elf_image_open("/nowhere", &image), -ENOENT);
}

/* ---- damage ---- */

/* Does with a file all that spans.c does. */
static void use(const char *path)
{
	char *const all[] = { "*", NULL };
	struct elf_functions functions;
	struct seen_usdt seen = { 0 };
	struct elf_image *image;
	const char *reason;

	if (elf_image_open(path, &image))
		return;
	elf_image_usdt(image, "ktax", see_usdt, &seen);
	if (!elf_image_functions(image, all, &functions)) {
		const struct code_source source = { image, elf_image_read_code, elf_image_import };

		for (size_t i = 0; i < functions.n && i < 8; i++) {
			struct placement placement;

			placement_choose(&source, functions.functions[i].vaddr,
			                 functions.functions[i].size, i & 1, &placement, &reason);
		}
		elf_functions_release(&functions);
	}
	elf_image_close(image);
}

/* splitmix64: the same sequence on every machine. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Where damage is most likely to matter: the headers at both ends, and now and then anywhere. */
static size_t random_place(uint64_t *random, size_t size)
{
	switch (next_random(random) % 3) {
	case 0:
		return next_random(random) % (size < 1024 ? size : 1024);
	case 1:
		return size - 1 - next_random(random) % (size < 3072 ? size : 3072);
	default:
		return next_random(random) % size;
	}
}

static void damaged_files_never_crash(void **state)
{
	int from = open(fixture, O_RDONLY), to = memfd_create("damaged", 0);
	uint64_t random = 42;
	struct stat st;
	uint8_t *bytes;
	char path[64];

	assert_int_equal(fstat(from, &st), 0);
	bytes = malloc((size_t)st.st_size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
	for (int round = 0; round < 3000; round++) {
		size_t size = (size_t)st.st_size;

		assert_int_equal(pread(from, bytes, size, 0), size);
		for (uint64_t flips = next_random(&random) % 20; flips; flips--)
			bytes[random_place(&random, size)] ^=
				(uint8_t)(1 << next_random(&random) % 8);
		if (round % 3 == 0)
			size = next_random(&random) % size;
		assert_int_equal(ftruncate(to, 0), 0);
		assert_int_equal(pwrite(to, bytes, size, 0), size);
		use(path);
	}
	free(bytes);
	close(from);
	close(to);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_soname_is_read),
		cmocka_unit_test(exact_names_and_globs_find_functions),
		cmocka_unit_test(local_functions_are_found_while_the_file_is_not_stripped),
		cmocka_unit_test(a_function_in_both_symbol_tables_is_found_once),
		cmocka_unit_test(an_indirect_function_is_marked),
		cmocka_unit_test(imported_functions_are_not_of_this_file),
		cmocka_unit_test(an_offset_is_where_the_bytes_are_in_the_file),
		cmocka_unit_test(usdt_notes_of_a_provider_are_read),
		cmocka_unit_test(the_iteration_over_usdt_notes_can_be_ended),
		cmocka_unit_test(what_is_no_elf_file_is_refused),
		cmocka_unit_test(damaged_files_never_crash),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FIXTURE.so\n", argv[0]);
		return 1;
	}
	fixture = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
