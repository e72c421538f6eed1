/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sites in this very process: the fixture library (argument 1) and the libraries of the catalogue
 * that are installed. As root, the sites are also probed, to see that enter and exit agree about
 * the frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalogue.h"
#include "elf_symbols.h"
#include "glob_list.h"
#include "library_calls.h"
#include "maps.h"
#include "span_probes.h"
#include "spans.h"

static const char *fixture;
static char message[CATALOGUE_MESSAGE_SIZE];

/* ---- lines of maps ---- */

static void a_line_of_maps_is_parsed(void **state)
{
	struct map_line map;

	assert_int_equal(
		map_line_parse("7f01-7f02 r-xp 00001000 fd:01 1234    /usr/lib/a b.so\n", &map), 0);
	assert_int_equal(map.start, 0x7f01);
	assert_int_equal(map.end, 0x7f02);
	assert_true(map.executable);
	assert_int_equal(map.dev, makedev(0xfd, 1));
	assert_int_equal(map.ino, 1234);
	assert_string_equal(map.path, "/usr/lib/a b.so");
	assert_false(map.deleted);
}

static void a_deleted_file_is_known_by_its_old_name(void **state)
{
	struct map_line map;

	assert_int_equal(map_line_parse("1-2 r-xp 0 0:1 5 /tmp/x\\012y (deleted)", &map), 0);
	assert_string_equal(map.path, "/tmp/x\ny");
	assert_true(map.deleted);
	assert_int_equal(map_line_parse("1-2 r--p 0 0:1 5 (deleted)", &map), 0);
	assert_string_equal(map.path, "(deleted)");
	assert_false(map.executable);
}

static void a_mapping_without_a_file_has_no_path(void **state)
{
	struct map_line map;

	assert_int_equal(map_line_parse("1-2 rwxp 0 00:00 0 \n", &map), 0);
	assert_string_equal(map.path, "");
	assert_int_equal(map.ino, 0);
}

static void what_is_no_line_of_maps_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "\n", "1-2", "2-1 r-xp 0 0:1 5 /x", "1-2 rx 0 0:1 5 /x", "x-y r-xp"
	};
	struct map_line map;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(map_line_parse(wrong[i], &map), -EINVAL);
}

/* ---- sites ---- */

static struct catalogue *catalogue_of(const char *span)
{
	struct catalogue *catalogue = NULL;

	if (catalogue_add_span(&catalogue, span, message, sizeof(message)))
		fail_msg("%s", message);
	return catalogue;
}

static struct span_list *find_in(pid_t pid, const struct catalogue *catalogue)
{
	struct span_list *list = NULL;

	assert_int_equal(spans_find(&pid, 1, catalogue, &list), 0);
	return list;
}

static struct span_list *find(const char *span)
{
	struct catalogue *catalogue = catalogue_of(span);
	struct span_list *list = find_in(getpid(), catalogue);

	catalogue_free(catalogue);
	return list;
}

static void *open_fixture(void)
{
	void *handle = dlopen(fixture, RTLD_NOW);

	assert_non_null(handle);
	return handle;
}

static void functions_are_found_by_soname_and_by_file_name(void **state)
{
	void *handle = open_fixture();
	struct span_list *by_soname = find("libspan_fixture.so.1:fixture_parse=tls");
	struct span_list *by_file = find("*span_fixture*:fixture_parse");
	struct span_list *by_other_name = find("libother.so:fixture_parse");
	const struct span_site *site = by_soname->sites;

	assert_int_equal(by_soname->nsites, 1);
	assert_string_equal(site->label, "user:fixture_parse");
	assert_int_equal(site->account, KTAX_TLS);
	assert_true(site->offset_enter >= site->offset_function);
	assert_true(site->use_uretprobe ? !site->nexits : site->nexits > 0);
	assert_int_equal(by_file->nsites, 1);
	assert_int_equal(by_file->sites->account, KTAX_SERIALIZE);
	assert_int_equal(by_other_name->nsites, 0);
	span_list_free(by_soname);
	span_list_free(by_file);
	span_list_free(by_other_name);
	dlclose(handle);
}

static void the_path_of_a_site_opens_the_mapped_file(void **state)
{
	void *handle = open_fixture();
	struct span_list *list = find("libspan_fixture.so.1:fixture_parse");
	struct stat st;

	assert_int_equal(list->nsites, 1);
	assert_int_equal(stat(list->sites->path, &st), 0);
	assert_true(st.st_dev == list->sites->dev && st.st_ino == list->sites->ino);
	span_list_free(list);
	dlclose(handle);
}

static void aliases_get_one_site(void **state)
{
	void *handle = open_fixture();
	struct span_list *list = find("libspan_fixture.so.1:fixture_[aw]*");

	assert_int_equal(list->nsites, 1);
	span_list_free(list);
	dlclose(handle);
}

static void an_indirect_function_is_refused_with_the_reason(void **state)
{
	void *handle = open_fixture();
	struct span_list *list = find("libspan_fixture.so.1:fixture_indirect");

	assert_int_equal(list->nsites, 0);
	assert_int_equal(list->nrefusals, 1);
	assert_string_equal(list->refusals->label, "user:fixture_indirect");
	assert_non_null(strstr(list->refusals->reason, "indirect"));
	span_list_free(list);
	dlclose(handle);
}

static void files_with_our_notes_are_listed(void **state)
{
	void *handle = open_fixture();
	struct span_list *list = find("nothing:nothing");

	assert_int_equal(list->nusdt, 1);
	assert_non_null(strstr(list->usdt->path, "span_fixture"));
	span_list_free(list);
	dlclose(handle);
}

static void libraries_opened_later_are_what_changed(void **state)
{
	struct catalogue *catalogue = catalogue_of("libspan_fixture.so.1:fixture_*");
	struct span_list *before = find_in(getpid(), catalogue), *after;
	void *handle = open_fixture();
	const pid_t self = getpid();
	struct span_changes changes;

	after = find_in(getpid(), catalogue);
	assert_int_equal(spans_outdated(&self, 1, before), 1);
	assert_int_equal(spans_outdated(&self, 1, after), 0);
	assert_int_equal(before->nsites, 0);
	assert_int_equal(spans_compare(before, after, &changes), 0);
	assert_int_equal(changes.nadded, after->nsites);
	assert_int_equal(changes.nremoved, 0);
	assert_int_equal(changes.nusdt_added, 1);
	span_changes_release(&changes);
	assert_int_equal(spans_compare(after, before, &changes), 0);
	assert_int_equal(changes.nadded, 0);
	assert_int_equal(changes.nremoved, after->nsites);
	span_changes_release(&changes);
	assert_int_equal(spans_compare(NULL, after, &changes), 0);
	assert_int_equal(changes.nadded, after->nsites);
	span_changes_release(&changes);
	span_list_free(before);
	span_list_free(after);
	catalogue_free(catalogue);
	dlclose(handle);
}

/* Copies the fixture, so that a test may delete it. */
static void copy_fixture(const char *to)
{
	char command[1024];

	snprintf(command, sizeof(command), "cp '%s' '%s'", fixture, to);
	assert_int_equal(system(command), 0);
}

static void a_deleted_library_is_still_found(void **state)
{
	char directory[] = "/tmp/ktax spans XXXXXX", path[256];
	struct span_list *list;
	void *handle;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/lib span.so", directory);
	copy_fixture(path);
	handle = dlopen(path, RTLD_NOW);
	assert_non_null(handle);
	list = find("lib?span.so:fixture_parse");
	assert_int_equal(list->nsites, 1);
	assert_non_null(strstr(list->sites->path, "lib span.so"));
	span_list_free(list);

	unlink(path);
	copy_fixture(path); /* replaced by another file of the same name, as upgrades do */
	list = find("lib?span.so:fixture_parse");
	if (geteuid())
		assert_int_equal(list->nsites + list->nrefusals, 1);
	else
		assert_non_null(strstr(list->sites->path, "/map_files/"));
	span_list_free(list);
	dlclose(handle);
	unlink(path);
	rmdir(directory);
}

static uint64_t fingerprint(void)
{
	const pid_t self = getpid();

	return maps_fingerprint(&self, 1);
}

static void the_fingerprint_follows_libraries_and_not_the_heap(void **state)
{
	uint64_t before = fingerprint();
	char *heap =
		mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *handle;

	assert_ptr_not_equal(heap, MAP_FAILED);
	memset(heap, 1, 64 << 20);
	assert_true(fingerprint() == before);
	handle = open_fixture();
	assert_false(fingerprint() == before);
	dlclose(handle);
	munmap(heap, 64 << 20);
}

static void processes_that_are_gone_are_skipped(void **state)
{
	struct catalogue *catalogue = catalogue_of("nothing:nothing");
	struct span_list *list = NULL;
	pid_t pids[2] = { fork(), getpid() };

	if (!pids[0])
		_exit(0);
	waitpid(pids[0], NULL, 0);
	assert_int_equal(spans_find(pids, 2, catalogue, &list), 0);
	span_list_free(list);
	list = NULL;
	assert_int_equal(spans_find(pids, 1, catalogue, &list), -ESRCH);
	assert_null(list);
	catalogue_free(catalogue);
}

/* ---- the catalogue against the libraries installed here ---- */

static struct catalogue *load_catalogue(void)
{
	struct catalogue *catalogue = NULL;

	if (catalogue_load(NULL, &catalogue, message, sizeof(message)))
		fail_msg("%s", message);
	return catalogue;
}

/* Whether @image has what every glob of @entry asks for. */
static void assert_resolves(const struct catalogue_entry *entry, const struct elf_image *image)
{
	for (char **symbol = entry->symbols; *symbol; symbol++) {
		char *const one[] = { *symbol, NULL };
		struct elf_functions functions;

		assert_int_equal(elf_image_functions(image, one, &functions), 0);
		if (!functions.n)
			fail_msg("%s: %s has no %s", entry->origin, elf_image_soname(image),
			         *symbol);
		elf_functions_release(&functions);
	}
}

/* Debian's libraries under their sonames; not what else lies beside them (other names, scripts). */
static size_t check_libraries(const struct catalogue_entry *entry)
{
	static const char *const directories[] = { "/usr/lib/*-linux-gnu",
		                                   "/usr/lib/python3/dist-packages" };
	size_t found = 0;

	for (char **library = entry->library; *library; library++)
		for (size_t d = 0; d < 2; d++) {
			char pattern[512];
			glob_t paths;

			snprintf(pattern, sizeof(pattern), "%s/%s", directories[d], *library);
			if (glob(pattern, 0, NULL, &paths))
				continue;
			for (size_t i = 0; i < paths.gl_pathc; i++) {
				struct elf_image *image;

				if (elf_image_open(paths.gl_pathv[i], &image))
					continue;
				assert_resolves(entry, image);
				elf_image_close(image);
				found++;
			}
			globfree(&paths);
		}
	return found;
}

static void every_entry_resolves_in_the_libraries_installed_here(void **state)
{
	struct catalogue *catalogue = load_catalogue();
	size_t found = 0;

	for (size_t i = 0; i < catalogue->n; i++)
		found += check_libraries(&catalogue->entries[i]) > 0;
	print_message("%zu of %zu entries have a library here\n", found, catalogue->n);
	catalogue_free(catalogue);
}

/* ---- frames ---- */

static const struct span_site *site_of(const struct span_list *list, const char *label)
{
	for (size_t i = 0; i < list->nsites; i++)
		if (!strcmp(list->sites[i].label, label))
			return &list->sites[i];
	return NULL;
}

static void attach_recorder(struct span_probes *probes, const struct span_site *site,
                            uint64_t offset, bool at_return, int map)
{
	int program = span_program_record(map, probes->n); /* one slot per probe */

	assert_true(span_probe_attach(probes, site->path, offset, at_return, program));
	close(program);
}

/* Slot 0 records at the enter, slot 1 + i at exit i. */
static void attach(struct span_probes *probes, const struct span_site *site, int map)
{
	attach_recorder(probes, site, site->offset_enter, false, map);
	if (site->use_uretprobe)
		attach_recorder(probes, site, site->offset_enter, true, map);
	for (size_t i = 0; i < site->nexits; i++)
		attach_recorder(probes, site, site->exits[i].offset, site->exits[i].use_uretprobe,
		                map);
}

/* What spans.h says: the stack pointer at the function's first byte. */
static uint64_t exit_frame(const struct span_site *site, size_t i, const struct span_hit *hit)
{
	if (site->use_uretprobe)
		return hit->sp - 8;
	return hit->sp + (uint64_t)site->exits[i].sp_delta - (site->exits[i].use_uretprobe ? 8 : 0);
}

static void assert_one_span(const struct span_site *site, const struct span_hit *hits)
{
	size_t nexits = site->use_uretprobe ? 1 : site->nexits, fired = 0;
	uint64_t frame = hits[0].sp + (uint64_t)site->sp_delta;

	if (hits[0].count != 1)
		fail_msg("%s: entered %lu times", site->label, (unsigned long)hits[0].count);
	for (size_t i = 0; i < nexits; i++) {
		if (!hits[1 + i].count)
			continue;
		fired++;
		if (exit_frame(site, i, &hits[1 + i]) != frame)
			fail_msg("%s: exit %zu has another frame", site->label, i);
	}
	if (!fired)
		fail_msg("%s: no exit", site->label);
}

static void check_frames(const struct catalogue *catalogue, const struct library_call *call)
{
	struct span_probes probes = { .n = 0 };
	struct span_hit hits[SPAN_PROBES_MAX];
	struct span_list *list = find_in(getpid(), catalogue);
	const struct span_site *site = site_of(list, call->label);
	int map = span_hits_create();

	assert_non_null(site);
	attach(&probes, site, map);
	for (int i = 0; i < 3; i++) {
		assert_true(span_hits_clear(map));
		call->call();
		assert_true(span_hits_read(map, hits));
		assert_one_span(site, hits);
	}
	span_probes_detach(&probes);
	close(map);
	span_list_free(list);
}

static void enter_and_exit_see_the_same_frame(void **state)
{
	struct catalogue *catalogue;
	size_t checked = 0;

	if (!span_probes_work()) {
		print_message("SKIP: uprobes with BPF do not work here\n");
		skip();
	}
	catalogue = load_catalogue();
	for (size_t i = 0; i < library_calls_n; i++) {
		if (!library_calls[i].prepare(library_calls[i].name))
			continue;
		check_frames(catalogue, &library_calls[i]);
		library_calls[i].finish();
		checked++;
	}
	print_message("%zu of %zu functions could be called here\n", checked, library_calls_n);
	catalogue_free(catalogue);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_maps_is_parsed),
		cmocka_unit_test(a_deleted_file_is_known_by_its_old_name),
		cmocka_unit_test(a_mapping_without_a_file_has_no_path),
		cmocka_unit_test(what_is_no_line_of_maps_is_refused),
		cmocka_unit_test(libraries_opened_later_are_what_changed),
		cmocka_unit_test(functions_are_found_by_soname_and_by_file_name),
		cmocka_unit_test(the_path_of_a_site_opens_the_mapped_file),
		cmocka_unit_test(aliases_get_one_site),
		cmocka_unit_test(an_indirect_function_is_refused_with_the_reason),
		cmocka_unit_test(files_with_our_notes_are_listed),
		cmocka_unit_test(a_deleted_library_is_still_found),
		cmocka_unit_test(the_fingerprint_follows_libraries_and_not_the_heap),
		cmocka_unit_test(processes_that_are_gone_are_skipped),
		cmocka_unit_test(every_entry_resolves_in_the_libraries_installed_here),
		cmocka_unit_test(enter_and_exit_see_the_same_frame),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FIXTURE.so\n", argv[0]);
		return 1;
	}
	fixture = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
