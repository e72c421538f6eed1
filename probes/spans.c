/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Joins the three parts: what is mapped (maps.h), which of it is in the catalogue (elf_symbols.h),
 * where its probes go (placement.h). Each mapped file is opened once, and its symbols are read once
 * for all entries that apply to it.
 */
#include "spans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "elf_symbols.h"
#include "glob_list.h"
#include "maps.h"
#include "placement.h"

/* One file, and the entries that apply to it. */
struct file_search {
	const struct mapped_file *file;
	struct elf_image *image;
	bool is_go, has_exceptions;
	const struct catalogue_entry **entries; /* in the order of the catalogue */
	size_t nentries;
	char **symbols; /* the globs of all of them, NULL-terminated; not owned */
	struct span_list *list;
};

/* ---- growing lists ---- */

/* Room for one more of @size bytes at the end of @array, which grows at each power of two. */
static void *grow(void *array, size_t n, size_t size)
{
	return n & (n - 1) ? array : reallocarray(array, n ? 2 * n : 1, size);
}

static int list_add_site(struct span_list *list, const struct span_site *site)
{
	struct span_site *sites = grow(list->sites, list->nsites, sizeof(*sites));

	if (!sites)
		return -ENOMEM;
	list->sites = sites;
	sites[list->nsites++] = *site;
	return 0;
}

static int list_add_refusal(struct span_list *list, const char *label, const char *path,
                            const char *reason)
{
	struct span_refusal *refusals = grow(list->refusals, list->nrefusals, sizeof(*refusals));
	struct span_refusal *refusal;

	if (!refusals)
		return -ENOMEM;
	list->refusals = refusals;
	refusal = &refusals[list->nrefusals++];
	snprintf(refusal->label, sizeof(refusal->label), "%s", label);
	snprintf(refusal->path, sizeof(refusal->path), "%s", path);
	snprintf(refusal->reason, sizeof(refusal->reason), "%s", reason);
	return 0;
}

/* Takes @annotations over. */
static int list_add_usdt(struct span_list *list, const struct mapped_file *file,
                         struct span_annotation *annotations, size_t n)
{
	struct span_usdt *usdt = grow(list->usdt, list->nusdt, sizeof(*usdt));

	if (!usdt)
		return -ENOMEM;
	list->usdt = usdt;
	usdt = &usdt[list->nusdt++];
	strcpy(usdt->path, file->path);
	usdt->dev = file->dev;
	usdt->ino = file->ino;
	usdt->annotations = annotations;
	usdt->nannotations = n;
	return 0;
}

void span_list_free(struct span_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->nsites; i++)
		free(list->sites[i].exits);
	for (size_t i = 0; i < list->nusdt; i++)
		free(list->usdt[i].annotations);
	free(list->sites);
	free(list->refusals);
	free(list->usdt);
	free(list->files);
	free(list);
}

/* ---- which entries apply to a file ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A library that may be linked into the program instead (catalogue.h). */
static bool may_be_static(const struct catalogue_entry *entry)
{
	for (char **library = entry->library; *library; library++)
		if (!strncmp(*library, "lib", 3))
			return true;
	return false;
}

static bool entry_applies(const struct catalogue_entry *entry, const struct mapped_file *file,
                          const char *soname)
{
	return glob_list_match(entry->library, soname) ||
	       glob_list_match(entry->library, base_name(file->name)) ||
	       glob_list_match(entry->library, file->name) ||
	       (file->is_executable && may_be_static(entry));
}

static size_t count(char *const *strings)
{
	size_t n = 0;

	while (strings[n])
		n++;
	return n;
}

static int search_select(struct file_search *search, const struct catalogue *catalogue)
{
	const char *soname = search->image ? elf_image_soname(search->image) : "";
	size_t nsymbols = 0;

	search->entries = calloc(catalogue->n + 1, sizeof(*search->entries));
	if (!search->entries)
		return -ENOMEM;
	for (size_t i = 0; i < catalogue->n; i++) {
		if (!entry_applies(&catalogue->entries[i], search->file, soname))
			continue;
		search->entries[search->nentries++] = &catalogue->entries[i];
		nsymbols += count(catalogue->entries[i].symbols);
	}
	search->symbols = calloc(nsymbols + 1, sizeof(*search->symbols));
	if (!search->symbols)
		return -ENOMEM;
	nsymbols = 0;
	for (size_t i = 0; i < search->nentries; i++)
		for (char **symbol = search->entries[i]->symbols; *symbol; symbol++)
			search->symbols[nsymbols++] = *symbol;
	return 0;
}

static const struct catalogue_entry *entry_of(const struct file_search *search, const char *name)
{
	for (size_t i = 0; i < search->nentries; i++)
		if (glob_list_match(search->entries[i]->symbols, name))
			return search->entries[i];
	return NULL;
}

/* ---- sites ---- */

static int place(const struct file_search *search, const struct elf_function *function, bool throws,
                 struct placement *ret, const char **ret_reason)
{
	const struct code_source source = {
		.context = search->image,
		.read = elf_image_read_code,
		.import = elf_image_import,
	};

	if (function->indirect)
		*ret_reason = "it is an indirect function, chosen when the library is loaded";
	else if (elf_image_is_x86_64(search->image))
		return placement_choose(&source, function->vaddr, function->size, throws, ret,
		                        ret_reason);
	else if (throws)
		*ret_reason = "exceptions may pass, and its code can only be read on x86-64";
	else
		*ret = placement_at_entry(function->vaddr);
	return *ret_reason ? -EOPNOTSUPP : 0;
}

static int site_set_exits(struct span_site *site, const struct file_search *search,
                          const struct placement *placement)
{
	if (!placement->nexits)
		return 0;
	site->exits = calloc(placement->nexits, sizeof(*site->exits));
	if (!site->exits)
		return -ENOMEM;
	site->nexits = placement->nexits;
	for (size_t i = 0; i < placement->nexits; i++) {
		site->exits[i].sp_delta = placement->exits[i].sp_delta;
		site->exits[i].use_uretprobe = placement->exits[i].use_uretprobe;
		site->exits[i].single_stepped = placement->exits[i].single_stepped;
		if (elf_image_offset(search->image, placement->exits[i].vaddr,
		                     &site->exits[i].offset))
			return -EBADMSG;
	}
	return 0;
}

static int site_fill(struct span_site *site, const struct file_search *search,
                     const struct elf_function *function, const struct placement *placement)
{
	strcpy(site->path, search->file->path);
	site->dev = search->file->dev;
	site->ino = search->file->ino;
	site->sp_delta = placement->sp_delta;
	site->use_uretprobe = placement->use_uretprobe;
	site->single_stepped = placement->single_stepped;
	site->exit_single_stepped = placement->exit_single_stepped;
	if (elf_image_offset(search->image, function->vaddr, &site->offset_function) ||
	    elf_image_offset(search->image, placement->enter_vaddr, &site->offset_enter))
		return -EBADMSG;
	return site_set_exits(site, search, placement);
}

/* Aliases, and functions in both of two entries, get one site. */
static bool is_known(const struct file_search *search, uint64_t offset)
{
	const struct span_list *list = search->list;

	for (size_t i = list->nsites; i-- > 0;) {
		const struct span_site *site = &list->sites[i];

		if (site->dev != search->file->dev || site->ino != search->file->ino)
			return false; /* a file's sites are added together */
		if (site->offset_function == offset)
			return true;
	}
	return false;
}

/*
 * Would a uretprobe end the program? Go's runtime takes its trampoline for a broken stack, and so
 * does the unwinder of C++ when an exception passes. The catalogue knows where one may; of the
 * user's own functions, those of C++ and all in a file with code for exceptions are suspect.
 */
static bool must_not_move_returns(const struct file_search *search,
                                  const struct catalogue_entry *entry, const char *name)
{
	if (entry->throws || search->is_go)
		return true;
	return !strcmp(entry->family, "user") &&
	       (search->has_exceptions || !strncmp(name, "_Z", 2));
}

static int add_function(struct file_search *search, const struct catalogue_entry *entry,
                        const struct elf_function *function)
{
	struct span_site site = { .account = entry->account, .nesting = entry->nesting };
	const char *reason = NULL;
	struct placement placement;
	uint64_t offset;
	int err;

	snprintf(site.label, sizeof(site.label), "%s:%s", entry->family, function->name);
	if (elf_image_offset(search->image, function->vaddr, &offset) || is_known(search, offset))
		return 0;
	err = place(search, function, must_not_move_returns(search, entry, function->name),
	            &placement, &reason);
	if (err == -EOPNOTSUPP)
		return list_add_refusal(search->list, site.label, search->file->path, reason);
	if (!err)
		err = site_fill(&site, search, function, &placement);
	if (!err)
		err = list_add_site(search->list, &site);
	if (err)
		free(site.exits);
	return err == -EBADMSG ? 0 : err;
}

static int add_functions(struct file_search *search)
{
	struct elf_functions functions;
	int err = elf_image_functions(search->image, search->symbols, &functions);

	if (err)
		return err;
	for (size_t i = 0; i < functions.n && !err; i++) {
		const struct catalogue_entry *entry = entry_of(search, functions.functions[i].name);

		if (entry)
			err = add_function(search, entry, &functions.functions[i]);
	}
	elf_functions_release(&functions);
	return err;
}

/* ---- annotations ---- */

/* What samples/annotate/ktax/ktax.h says: the numbers are part of compiled programs. */
static const struct {
	long number;
	enum ktax_account account;
} annotation_accounts[] = {
	{ 1, KTAX_APP }, { 2, KTAX_SERIALIZE }, { 3, KTAX_TLS }, { 4, KTAX_GC },
	{ 5, KTAX_HOP }, { 6, KTAX_LOCK },      { 7, KTAX_IO },  { 8, KTAX_WAIT },
};

/* More are no annotations made by hand; each costs a probe. */
#define MAX_ANNOTATIONS 4096

/* The annotations of one file, as they are found. */
struct annotation_search {
	const struct file_search *file;
	struct span_annotation *annotations;
	size_t n;
	bool full;
};

/*
 * The argument as a constant: "-4@$2", without the "$" on other machines than x86. Whatever else
 * (a register, memory) would have to be read at each hit.
 */
static bool annotation_number(const char *argument, bool dollar, long *ret)
{
	char *end;

	argument += *argument == '-';
	argument += strspn(argument, "0123456789");
	if (*argument++ != '@' || (dollar && *argument++ != '$'))
		return false;
	*ret = strtol(argument, &end, 10);
	return end != argument && !*end;
}

static bool annotation_account(long number, enum ktax_account *ret)
{
	for (size_t i = 0; i < sizeof(annotation_accounts) / sizeof(annotation_accounts[0]); i++) {
		if (annotation_accounts[i].number != number)
			continue;
		*ret = annotation_accounts[i].account;
		return true;
	}
	return false;
}

/* NULL, or why @usdt is no annotation that can be probed. */
static const char *annotation_read(const struct elf_image *image, const struct elf_usdt *usdt,
                                   struct span_annotation *ret)
{
	long number;

	ret->begins = !strcmp(usdt->name, "span_begin");
	if (!ret->begins && strcmp(usdt->name, "span_end"))
		return "this version of ktax knows span_begin and span_end only";
	if (usdt->semaphore)
		return "it has a semaphore, which ktax does not raise";
	if (!annotation_number(usdt->arguments, elf_image_is_x86_64(image), &number))
		return "its account is not a constant in the note";
	if (!annotation_account(number, &ret->account))
		return "its account is not known to this version of ktax";
	if (elf_image_offset(image, usdt->vaddr, &ret->offset))
		return "its address is not in the code of the file";
	return NULL;
}

/* One refusal per reason and file: macros make many annotations alike. */
static int refuse_annotation(const struct annotation_search *search, const char *reason)
{
	struct span_list *list = search->file->list;
	const char *path = search->file->file->path;

	for (size_t i = list->nrefusals; i-- > 0 && !strcmp(list->refusals[i].path, path);)
		if (!strcmp(list->refusals[i].reason, reason))
			return 0;
	return list_add_refusal(list, "ktax:span", path, reason);
}

static int add_annotation(void *context, const struct elf_usdt *usdt)
{
	struct annotation_search *search = context;
	struct span_annotation annotation, *annotations;
	const char *reason = annotation_read(search->file->image, usdt, &annotation);

	if (reason)
		return refuse_annotation(search, reason);
	if (search->n == MAX_ANNOTATIONS) {
		search->full = true;
		return -E2BIG;
	}
	annotations = grow(search->annotations, search->n, sizeof(*annotations));
	if (!annotations)
		return -ENOMEM;
	search->annotations = annotations;
	annotations[search->n++] = annotation;
	return 0;
}

static int annotation_compare(const void *a, const void *b)
{
	const struct span_annotation *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->begins != y->begins)
		return x->begins - y->begins;
	return (x->account > y->account) - (x->account < y->account);
}

/* Sorts. Functions that the linker found identical share their code, but each has its notes. */
static void annotations_unique(struct annotation_search *search)
{
	size_t kept = 0;

	if (!search->n)
		return;
	qsort(search->annotations, search->n, sizeof(*search->annotations), annotation_compare);
	for (size_t i = 0; i < search->n; i++)
		if (!kept || search->annotations[kept - 1].offset != search->annotations[i].offset)
			search->annotations[kept++] = search->annotations[i];
	search->n = kept;
}

static int add_annotations(const struct file_search *file)
{
	struct annotation_search search = { .file = file };
	int err = elf_image_usdt(file->image, "ktax", add_annotation, &search);

	if (search.full)
		err = refuse_annotation(&search, "the file has too many annotations");
	annotations_unique(&search);
	if (!err && search.n)
		err = list_add_usdt(file->list, file->file, search.annotations, search.n);
	if (err || !search.n)
		free(search.annotations);
	return err;
}

/* ---- files ---- */

/* A file that cannot be read is worth a word only if the catalogue has something for it. */
static int add_unreadable(struct file_search *search, int why)
{
	const struct mapped_file *file = search->file;

	if (!search->nentries || why == -EBADMSG)
		return 0;
	return list_add_refusal(
		search->list, search->entries[0]->family, *file->path ? file->path : file->name,
		*file->path ? strerror(-why) : "the mapped file cannot be opened from here");
}

static int add_file(struct file_search *search, const struct catalogue *catalogue)
{
	int opened = -EACCES, err;

	if (*search->file->path)
		opened = elf_image_open(search->file->path, &search->image);
	if (opened == -ENOMEM)
		return opened;
	err = search_select(search, catalogue);
	if (err)
		return err;
	if (opened)
		return add_unreadable(search, opened);
	err = add_annotations(search);
	if (!err && search->nentries) {
		search->is_go = elf_image_is_go(search->image);
		search->has_exceptions = elf_image_has_exceptions(search->image);
		err = add_functions(search);
	}
	return err;
}

/* Remembers which files the list was made from. */
static int list_set_files(struct span_list *list, const struct mapped_files *files)
{
	list->files = calloc(files->n + 1, sizeof(*list->files));
	if (!list->files)
		return -ENOMEM;
	for (size_t i = 0; i < files->n; i++)
		list->files[i] = (struct span_file){ files->files[i].dev, files->files[i].ino };
	list->nfiles = files->n;
	return 0;
}

static int find_in_files(const struct mapped_files *files, const struct catalogue *catalogue,
                         struct span_list *list)
{
	int err = list_set_files(list, files);

	for (size_t i = 0; i < files->n && !err; i++) {
		struct file_search search = { .file = &files->files[i], .list = list };

		err = add_file(&search, catalogue);
		elf_image_close(search.image);
		free(search.entries);
		free(search.symbols);
	}
	return err;
}

int spans_find(const pid_t *pids, size_t n, const struct catalogue *catalogue,
               struct span_list **ret)
{
	struct mapped_files files;
	struct span_list *list;
	int err = maps_files(pids, n, &files);

	if (err)
		return err;
	list = calloc(1, sizeof(*list));
	err = list ? find_in_files(&files, catalogue, list) : -ENOMEM;
	mapped_files_release(&files);
	if (err) {
		span_list_free(list);
		return err;
	}
	*ret = list;
	return 0;
}

/* ---- changes ---- */

static bool has_file(const struct span_list *list, dev_t dev, ino_t ino)
{
	for (size_t i = 0; i < list->nfiles; i++)
		if (list->files[i].dev == dev && list->files[i].ino == ino)
			return true;
	return false;
}

int spans_outdated(const pid_t *pids, size_t n, const struct span_list *list)
{
	struct mapped_files files;
	int outdated = maps_files(pids, n, &files);

	if (outdated)
		return outdated;
	for (size_t i = 0; i < files.n && !outdated; i++)
		outdated = !has_file(list, files.files[i].dev, files.files[i].ino);
	mapped_files_release(&files);
	return outdated;
}

static bool has_site(const struct span_list *list, const struct span_site *site)
{
	for (size_t i = 0; list && i < list->nsites; i++) {
		const struct span_site *other = &list->sites[i];

		if (other->offset_enter == site->offset_enter && other->ino == site->ino &&
		    other->dev == site->dev)
			return true;
	}
	return false;
}

static bool same_usdt(const struct span_usdt *a, const struct span_usdt *b)
{
	if (a->ino != b->ino || a->dev != b->dev || a->nannotations != b->nannotations)
		return false;
	for (size_t i = 0; i < a->nannotations; i++)
		if (annotation_compare(&a->annotations[i], &b->annotations[i]))
			return false;
	return true;
}

static bool has_usdt(const struct span_list *list, const struct span_usdt *usdt)
{
	for (size_t i = 0; list && i < list->nusdt; i++)
		if (same_usdt(&list->usdt[i], usdt))
			return true;
	return false;
}

/* The sites of @of that @other has not, into @ret, which has room for all. */
static size_t sites_missing(const struct span_list *of, const struct span_list *other,
                            const struct span_site **ret)
{
	size_t n = 0;

	for (size_t i = 0; of && i < of->nsites; i++)
		if (!has_site(other, &of->sites[i]))
			ret[n++] = &of->sites[i];
	return n;
}

static size_t usdt_missing(const struct span_list *of, const struct span_list *other,
                           const struct span_usdt **ret)
{
	size_t n = 0;

	for (size_t i = 0; of && i < of->nusdt; i++)
		if (!has_usdt(other, &of->usdt[i]))
			ret[n++] = &of->usdt[i];
	return n;
}

int spans_compare(const struct span_list *before, const struct span_list *after,
                  struct span_changes *ret)
{
	struct span_changes changes = {
		.added = calloc(after->nsites + 1, sizeof(*changes.added)),
		.removed = calloc((before ? before->nsites : 0) + 1, sizeof(*changes.removed)),
		.usdt_added = calloc(after->nusdt + 1, sizeof(*changes.usdt_added)),
		.usdt_removed =
			calloc((before ? before->nusdt : 0) + 1, sizeof(*changes.usdt_removed)),
	};

	if (!changes.added || !changes.removed || !changes.usdt_added || !changes.usdt_removed) {
		span_changes_release(&changes);
		return -ENOMEM;
	}
	changes.nadded = sites_missing(after, before, changes.added);
	changes.nremoved = sites_missing(before, after, changes.removed);
	changes.nusdt_added = usdt_missing(after, before, changes.usdt_added);
	changes.nusdt_removed = usdt_missing(before, after, changes.usdt_removed);
	*ret = changes;
	return 0;
}

void span_changes_release(struct span_changes *changes)
{
	free(changes->added);
	free(changes->removed);
	free(changes->usdt_added);
	free(changes->usdt_removed);
	*changes = (struct span_changes){ 0 };
}
