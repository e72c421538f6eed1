/* SPDX-License-Identifier: GPL-2.0 */
/* Catalogue files made here, in a temporary directory; and the catalogue that comes with ktax. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue.h"

static char directory[] = "/tmp/ktax-catalogue-XXXXXX";
static char message[CATALOGUE_MESSAGE_SIZE];

static void write_file(const char *name, const void *text, size_t size)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

static void remove_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
}

/* Loads a catalogue of one file with this text. */
static int load_bytes(const void *text, size_t size, struct catalogue **ret)
{
	int err;

	write_file("family.ini", text, size);
	err = catalogue_load(directory, ret, message, sizeof(message));
	remove_file("family.ini");
	return err;
}

static struct catalogue *load(const char *text)
{
	struct catalogue *catalogue = NULL;

	if (load_bytes(text, strlen(text), &catalogue))
		fail_msg("%s", message);
	return catalogue;
}

static void assert_refused(const char *text, const char *wanted)
{
	struct catalogue *catalogue = (struct catalogue *)directory;

	assert_int_equal(load_bytes(text, strlen(text), &catalogue), -EINVAL);
	assert_string_equal(message, wanted);
	assert_ptr_equal(catalogue, directory); /* untouched */
}

static int make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	return rmdir(directory);
}

#define SECTION "[s]\nlibrary = l\nsymbols = f\naccount = tls\n"

static void a_section_becomes_an_entry(void **state)
{
	struct catalogue *catalogue = load("; a comment\n[parse]\n"
	                                   "library = libone.so.* libtwo.so.*\n"
	                                   "symbols = first_* second\n third\n"
	                                   "account = gc\nnesting = stacked\nthrows = yes\n"
	                                   "note = why this\n and that\n");
	const struct catalogue_entry *entry = &catalogue->entries[0];

	assert_int_equal(catalogue->n, 1);
	assert_string_equal(entry->family, "family");
	assert_string_equal(entry->origin, "family.ini:3");
	assert_string_equal(entry->library[1], "libtwo.so.*");
	assert_null(entry->library[2]);
	assert_string_equal(entry->symbols[2], "third");
	assert_null(entry->symbols[3]);
	assert_string_equal(entry->note, "why this and that");
	assert_int_equal(entry->account, KTAX_GC);
	assert_int_equal(entry->nesting, SPAN_STACKED);
	assert_true(entry->throws);
	catalogue_free(catalogue);
}

static void what_is_left_out_has_its_default(void **state)
{
	struct catalogue *catalogue = load(SECTION);

	assert_int_equal(catalogue->entries[0].account, KTAX_TLS);
	assert_int_equal(catalogue->entries[0].nesting, SPAN_OUTERMOST);
	assert_false(catalogue->entries[0].throws);
	assert_null(catalogue->entries[0].note);
	catalogue_free(catalogue);
}

static void files_are_read_in_the_order_of_their_names(void **state)
{
	struct catalogue *catalogue;

	write_file("b.ini", SECTION, strlen(SECTION));
	write_file("a.ini", SECTION, strlen(SECTION));
	write_file("c.txt", "nonsense", 8);
	assert_int_equal(catalogue_load(directory, &catalogue, message, sizeof(message)), 0);
	assert_int_equal(catalogue->n, 2);
	assert_string_equal(catalogue->entries[0].family, "a");
	assert_string_equal(catalogue->entries[1].family, "b");
	catalogue_free(catalogue);
	remove_file("a.ini");
	remove_file("b.ini");
	remove_file("c.txt");
}

static void mistakes_are_reported_with_file_and_line(void **state)
{
	assert_refused("[s]\nlibrary = l\naccount = money\n",
	               "family.ini:3: \"money\" is not an account");
	assert_refused("[s]\ncolour = red\n", "family.ini:2: \"colour\" is not a key");
	assert_refused(SECTION "throws = maybe\n",
	               "family.ini:5: throws is \"yes\" or \"no\", not \"maybe\"");
	assert_refused(SECTION "nesting = deep\n",
	               "family.ini:5: nesting is \"outermost\" or \"stacked\", not \"deep\"");
	assert_refused(SECTION "account = tls\n", "family.ini:5: account is given twice");
	assert_refused("library = l\n", "family.ini:1: \"library\" is outside of any section");
	assert_refused("[s]\nnonsense\n",
	               "family.ini:2: neither \"[section]\" nor \"key = value\"");
	assert_refused("[s]\nlibrary =\n", "family.ini:2: \"library\" has no value");
}

static void a_section_that_lacks_a_key_is_refused(void **state)
{
	assert_refused("[s]\nlibrary = l\naccount = tls\n[t]\nlibrary = l\n",
	               "family.ini:5: section [s] above has no symbols");
	assert_refused("[s]\nsymbols = f\naccount = tls\n",
	               "family.ini:3: section [s] above has no library");
	assert_refused("[s]\nsymbols = f\nlibrary = l\n",
	               "family.ini:3: section [s] above has no account");
}

static void a_line_that_is_too_long_is_refused(void **state)
{
	char text[600];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "[s]\nnote = ", 11);
	assert_refused(text, "family.ini:2: the line is longer than 199 characters");
}

static void a_file_that_is_not_text_is_refused(void **state)
{
	struct catalogue *catalogue;

	assert_int_equal(load_bytes("[s]\0x", 5, &catalogue), -EINVAL);
	assert_string_equal(message, "family.ini: not a text file");
}

static void a_directory_without_a_catalogue_is_an_error(void **state)
{
	struct catalogue *catalogue;

	assert_int_equal(catalogue_load(directory, &catalogue, message, sizeof(message)), -ENOENT);
	assert_non_null(strstr(message, "holds no catalogue"));
	assert_int_equal(catalogue_load("/nowhere", &catalogue, message, sizeof(message)), -ENOENT);
	assert_string_equal(message, "/nowhere: No such file or directory");
}

static void any_damage_to_a_file_is_survived(void **state)
{
	static const char text[] = "[a]\nlibrary = l*\nsymbols = f g\n h\naccount = tls\n"
				   "[b]\nlibrary = m\nsymbols = i\naccount = gc\nthrows = yes\n";
	uint64_t random = 1;

	for (int round = 0; round < 2000; round++) {
		struct catalogue *catalogue = NULL;
		char damaged[sizeof(text)];

		memcpy(damaged, text, sizeof(text));
		for (int i = 0; i < 3; i++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			damaged[(random >> 33) % (sizeof(text) - 1)] = (char)(random >> 24);
		}
		if (!load_bytes(damaged, sizeof(text) - 1 - (random >> 40) % 20, &catalogue))
			catalogue_free(catalogue);
	}
}

/* ---- --span ---- */

static void a_span_option_becomes_an_entry(void **state)
{
	struct catalogue *catalogue = NULL;

	assert_int_equal(
		catalogue_add_span(&catalogue, "libmine.so*:encode_*", message, sizeof(message)),
		0);
	assert_int_equal(
		catalogue_add_span(&catalogue, "server:_ZN1a1bEv=gc", message, sizeof(message)), 0);
	assert_int_equal(catalogue->n, 2);
	assert_string_equal(catalogue->entries[0].library[0], "libmine.so*");
	assert_string_equal(catalogue->entries[0].symbols[0], "encode_*");
	assert_int_equal(catalogue->entries[0].account, KTAX_SERIALIZE);
	assert_false(catalogue->entries[0].throws);
	assert_string_equal(catalogue->entries[1].symbols[0], "_ZN1a1bEv");
	assert_int_equal(catalogue->entries[1].account, KTAX_GC);
	assert_true(catalogue->entries[1].throws);
	catalogue_free(catalogue);
}

static void a_span_option_comes_before_the_loaded_entries(void **state)
{
	struct catalogue *catalogue = load(SECTION);

	assert_int_equal(catalogue_add_span(&catalogue, "l:f=app", message, sizeof(message)), 0);
	assert_int_equal(catalogue->n, 2);
	assert_string_equal(catalogue->entries[0].family, "user");
	assert_string_equal(catalogue->entries[1].family, "family");
	catalogue_free(catalogue);
}

static void a_span_option_that_makes_no_sense_is_refused(void **state)
{
	static const char *const wrong[] = { "",   ":",        "lib",    "lib:",
		                             ":f", "lib:=tls", "lib:f=", "lib:f=money" };
	struct catalogue *catalogue = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(catalogue_add_span(&catalogue, wrong[i], message, sizeof(message)),
		                 -EINVAL);
		assert_non_null(strstr(message, wrong[i]));
		assert_null(catalogue);
	}
}

static void the_catalogue_of_ktax_loads(void **state)
{
	struct catalogue *catalogue;

	if (catalogue_load(NULL, &catalogue, message, sizeof(message)))
		fail_msg("%s", message);
	assert_true(catalogue->n > 30);
	catalogue_free(catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_section_becomes_an_entry),
		cmocka_unit_test(what_is_left_out_has_its_default),
		cmocka_unit_test(files_are_read_in_the_order_of_their_names),
		cmocka_unit_test(mistakes_are_reported_with_file_and_line),
		cmocka_unit_test(a_section_that_lacks_a_key_is_refused),
		cmocka_unit_test(a_line_that_is_too_long_is_refused),
		cmocka_unit_test(a_file_that_is_not_text_is_refused),
		cmocka_unit_test(a_directory_without_a_catalogue_is_an_error),
		cmocka_unit_test(any_damage_to_a_file_is_survived),
		cmocka_unit_test(a_span_option_becomes_an_entry),
		cmocka_unit_test(a_span_option_comes_before_the_loaded_entries),
		cmocka_unit_test(a_span_option_that_makes_no_sense_is_refused),
		cmocka_unit_test(the_catalogue_of_ktax_loads),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
