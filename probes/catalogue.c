/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Each file is read whole (so that a line can be numbered and a hostile file is bounded), given to
 * inih line by line, and checked section by section. An entry is built in the loader and joins the
 * catalogue when its section ends.
 */
#include "catalogue.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ini.h>

#define MAX_FILE_BYTES (256 * 1024)
#define MAX_ENTRIES    4096

struct loader {
	struct catalogue *catalogue;
	const char *file; /* without its directory */
	char *text, *at;  /* the file, and what is left of it */
	int line;
	char section[INI_MAX_LINE]; /* the one being read; "" before the first */
	struct catalogue_entry entry;
	bool has_account, has_nesting, has_throws;
	char *message;
	size_t size;
	int err;
};

/* ---- entries ---- */

static void strings_free(char **strings)
{
	for (char **s = strings; s && *s; s++)
		free(*s);
	free(strings);
}

static void entry_release(struct catalogue_entry *entry)
{
	free(entry->family);
	free(entry->origin);
	strings_free(entry->library);
	strings_free(entry->symbols);
	free(entry->note);
	*entry = (struct catalogue_entry){ 0 };
}

static int strings_append(char ***strings, const char *word, size_t length)
{
	size_t n = 0;
	char **grown;

	while (*strings && (*strings)[n])
		n++;
	grown = reallocarray(*strings, n + 2, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*strings = grown;
	grown[n] = strndup(word, length);
	grown[n + 1] = NULL;
	return grown[n] ? 0 : -ENOMEM;
}

/* Appends the words of @value. */
static int strings_append_words(char ***strings, const char *value)
{
	int err = 0;

	while (!err && *(value += strspn(value, " \t"))) {
		size_t length = strcspn(value, " \t");

		err = strings_append(strings, value, length);
		value += length;
	}
	return err;
}

/* Moves @entry into the catalogue, at place @at; on failure it stays the caller's. */
static int catalogue_insert(struct catalogue *catalogue, size_t at, struct catalogue_entry *entry)
{
	struct catalogue_entry *entries;

	if (catalogue->n == MAX_ENTRIES)
		return -E2BIG;
	entries = reallocarray(catalogue->entries, catalogue->n + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	catalogue->entries = entries;
	memmove(&entries[at + 1], &entries[at], (catalogue->n - at) * sizeof(*entries));
	entries[at] = *entry;
	catalogue->n++;
	*entry = (struct catalogue_entry){ 0 };
	return 0;
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	for (size_t i = 0; i < catalogue->n; i++)
		entry_release(&catalogue->entries[i]);
	free(catalogue->entries);
	free(catalogue);
}

/* ---- one file ---- */

/* Keeps the first mistake. Returns what an inih handler has to. */
__attribute__((format(printf, 2, 3))) static int mistake(struct loader *loader, const char *format,
                                                         ...)
{
	va_list args;
	int used;

	if (loader->err)
		return 0;
	loader->err = -EINVAL;
	used = snprintf(loader->message, loader->size, "%s:%d: ", loader->file, loader->line);
	if (used < 0 || (size_t)used >= loader->size)
		return 0;
	va_start(args, format);
	vsnprintf(loader->message + used, loader->size - (size_t)used, format, args);
	va_end(args);
	return 0;
}

static int out_of_memory(struct loader *loader)
{
	if (!loader->err) {
		loader->err = -ENOMEM;
		snprintf(loader->message, loader->size, "%s: out of memory", loader->file);
	}
	return 0;
}

static int set_words(struct loader *loader, char ***words, const char *value)
{
	return strings_append_words(words, value) ? out_of_memory(loader) : 1;
}

static int set_account(struct loader *loader, const char *value)
{
	int account = ktax_account_by_name(value);

	if (loader->has_account)
		return mistake(loader, "account is given twice");
	if (account < 0)
		return mistake(loader, "\"%s\" is not an account", value);
	loader->entry.account = (enum ktax_account)account;
	loader->has_account = true;
	return 1;
}

static int set_nesting(struct loader *loader, const char *value)
{
	if (loader->has_nesting)
		return mistake(loader, "nesting is given twice");
	if (!strcmp(value, "stacked"))
		loader->entry.nesting = SPAN_STACKED;
	else if (strcmp(value, "outermost"))
		return mistake(loader, "nesting is \"outermost\" or \"stacked\", not \"%s\"",
		               value);
	loader->has_nesting = true;
	return 1;
}

static int set_throws(struct loader *loader, const char *value)
{
	if (loader->has_throws)
		return mistake(loader, "throws is given twice");
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return mistake(loader, "throws is \"yes\" or \"no\", not \"%s\"", value);
	loader->entry.throws = !strcmp(value, "yes");
	loader->has_throws = true;
	return 1;
}

/* The further lines of a note come as further values. */
static int set_note(struct loader *loader, const char *value)
{
	char *note = NULL;

	if (!loader->entry.note)
		note = strdup(value);
	else if (asprintf(&note, "%s %s", loader->entry.note, value) < 0)
		note = NULL;
	if (!note)
		return out_of_memory(loader);
	free(loader->entry.note);
	loader->entry.note = note;
	return 1;
}

static int set_key(struct loader *loader, const char *name, const char *value)
{
	if (!strcmp(name, "library"))
		return set_words(loader, &loader->entry.library, value);
	if (!strcmp(name, "symbols"))
		return set_words(loader, &loader->entry.symbols, value);
	if (!strcmp(name, "account"))
		return set_account(loader, value);
	if (!strcmp(name, "nesting"))
		return set_nesting(loader, value);
	if (!strcmp(name, "throws"))
		return set_throws(loader, value);
	if (!strcmp(name, "note"))
		return set_note(loader, value);
	return mistake(loader, "\"%s\" is not a key", name);
}

/* Checks the section that ends here and moves its entry into the catalogue. */
static int section_end(struct loader *loader)
{
	const struct catalogue_entry *entry = &loader->entry;
	const char *missing = !entry->library        ? "library"
	                      : !entry->symbols      ? "symbols"
	                      : !loader->has_account ? "account"
	                                             : NULL;
	int err;

	if (!*loader->section)
		return 1;
	if (missing)
		return mistake(loader, "section [%s] above has no %s", loader->section, missing);
	err = catalogue_insert(loader->catalogue, loader->catalogue->n, &loader->entry);
	if (err == -E2BIG)
		return mistake(loader, "more than %d sections in all", MAX_ENTRIES);
	return err ? out_of_memory(loader) : 1;
}

static int section_start(struct loader *loader, const char *section)
{
	const char *stem_end = strrchr(loader->file, '.');

	snprintf(loader->section, sizeof(loader->section), "%s", section);
	loader->has_account = loader->has_nesting = loader->has_throws = false;
	loader->entry.family = strndup(loader->file, (size_t)(stem_end - loader->file));
	if (asprintf(&loader->entry.origin, "%s:%d", loader->file, loader->line) < 0)
		loader->entry.origin = NULL;
	return loader->entry.family && loader->entry.origin ? 1 : out_of_memory(loader);
}

static int handle(void *context, const char *section, const char *name, const char *value)
{
	struct loader *loader = context;

	if (loader->err)
		return 0;
	if (!*section)
		return mistake(loader, "\"%s\" is outside of any section", name);
	if (strcmp(section, loader->section) &&
	    (!section_end(loader) || !section_start(loader, section)))
		return 0;
	if (!value || !*value)
		return mistake(loader, "\"%s\" has no value", name);
	return set_key(loader, name, value);
}

/* inih's fgets(): hands out the text line by line, and counts. */
static char *next_line(char *line, int size, void *context)
{
	struct loader *loader = context;
	size_t length = strcspn(loader->at, "\n");

	if (!*loader->at || loader->err)
		return NULL;
	loader->line++;
	if (length >= (size_t)size) {
		mistake(loader, "the line is longer than %d characters", size - 1);
		return NULL;
	}
	memcpy(line, loader->at, length);
	line[length] = '\0';
	loader->at += length + (loader->at[length] == '\n');
	return line;
}

static int file_parse(struct loader *loader)
{
	int line;

	loader->at = loader->text;
	loader->line = 0;
	loader->section[0] = '\0';
	line = ini_parse_stream(next_line, loader, handle, loader);
	if (line > 0 && !loader->err) {
		loader->line = line;
		mistake(loader, "neither \"[section]\" nor \"key = value\"");
	}
	if (!loader->err)
		section_end(loader);
	entry_release(&loader->entry);
	return loader->err;
}

/* The text of a file, which must be text and of sensible size; *@ret is freed by the caller. */
static int file_read(int dir, const char *name, char **ret)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	ssize_t got;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE_BYTES)
		err = -EFBIG;
	else if (!(text = calloc(1, (size_t)st.st_size + 1)))
		err = -ENOMEM;
	else if ((got = read(fd, text, (size_t)st.st_size)) < 0)
		err = -errno;
	else if (memchr(text, '\0', (size_t)got))
		err = -EILSEQ;
	close(fd);
	if (err)
		free(text);
	else
		*ret = text;
	return err;
}

static int file_load(struct loader *loader, int dir, const char *name)
{
	int err = file_read(dir, name, &loader->text);

	loader->file = name;
	if (err) {
		snprintf(loader->message, loader->size, "%s: %s", name,
		         err == -EFBIG    ? "not a file, or too large for a catalogue"
		         : err == -EILSEQ ? "not a text file"
		                          : strerror(-err));
		return err == -EFBIG || err == -EILSEQ ? -EINVAL : err;
	}
	err = file_parse(loader);
	free(loader->text);
	return err;
}

/* ---- the directory ---- */

/*
 * Beside the program, for an installation that was moved (cmake --install --prefix). Not where the
 * program got its privileges from its file: there a link to it could choose the directory.
 */
static bool find_beside(const char *exe, char *ret, size_t room)
{
	const char *name = strrchr(exe, '/');

	if (!name || getauxval(AT_SECURE))
		return false;
	snprintf(ret, room, "%.*s/%s", (int)(name - exe), exe, KTAX_CATALOGUE_FROM_PROGRAM);
	return !access(ret, R_OK);
}

static const char *default_dir(void)
{
	static const char build[] = KTAX_BUILD_DIR "/";
	static char beside[PATH_MAX + sizeof(KTAX_CATALOGUE_FROM_PROGRAM)];
	const char *dir = secure_getenv("KTAX_CATALOGUE");
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	if (dir && *dir)
		return dir;
	if (!strncmp(exe, build, sizeof(build) - 1))
		return KTAX_CATALOGUE_SOURCE_DIR;
	return find_beside(exe, beside, sizeof(beside)) ? beside : KTAX_CATALOGUE_DIR;
}

static int is_ini(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 4 && !strcmp(entry->d_name + length - 4, ".ini");
}

/* Not alphasort(): the order must not depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int dir_load(struct loader *loader, int dir)
{
	struct dirent **names;
	int n = scandirat(dir, ".", &names, is_ini, by_name), err = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (!err)
			err = file_load(loader, dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return err;
}

int catalogue_load(const char *dir, struct catalogue **ret, char *message, size_t size)
{
	struct loader loader = { .message = message, .size = size };
	int fd, err;

	dir = dir ? dir : default_dir();
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		snprintf(message, size, "%s: %s", dir, strerror(-err));
		return err;
	}
	snprintf(message, size, "%s: out of memory", dir);
	loader.catalogue = calloc(1, sizeof(*loader.catalogue));
	err = loader.catalogue ? dir_load(&loader, fd) : -ENOMEM;
	close(fd);
	if (!err && !loader.catalogue->n) {
		snprintf(message, size, "%s: holds no catalogue (*.ini)", dir);
		err = -ENOENT;
	}
	if (err) {
		catalogue_free(loader.catalogue);
		return err;
	}
	if (size)
		*message = '\0';
	*ret = loader.catalogue;
	return 0;
}

/* ---- --span ---- */

/* Splits LIB:SYMBOL[=ACCOUNT]. */
static int span_parse(const char *span, struct catalogue_entry *entry, char *message, size_t size)
{
	const char *colon = strchr(span, ':');
	const char *symbol = colon ? colon + 1 : "";
	const char *equals = strchr(symbol, '=');
	size_t length = equals ? (size_t)(equals - symbol) : strlen(symbol);
	int account = equals ? ktax_account_by_name(equals + 1) : KTAX_SERIALIZE;

	if (!colon || colon == span || !length) {
		snprintf(message, size, "\"%s\": expected LIBRARY:SYMBOL[=ACCOUNT]", span);
		return -EINVAL;
	}
	if (account < 0) {
		snprintf(message, size, "\"%s\": \"%s\" is not an account", span, equals + 1);
		return -EINVAL;
	}
	entry->account = (enum ktax_account)account;
	entry->throws = !strncmp(symbol, "_Z", 2);
	entry->family = strdup("user");
	if (asprintf(&entry->origin, "--span %s", span) < 0)
		entry->origin = NULL;
	if (!entry->family || !entry->origin ||
	    strings_append(&entry->library, span, (size_t)(colon - span)) ||
	    strings_append(&entry->symbols, symbol, length)) {
		snprintf(message, size, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

/* Behind the --span entries that are there already. */
static size_t span_place(const struct catalogue *catalogue)
{
	size_t at = 0;

	while (at < catalogue->n && !strcmp(catalogue->entries[at].family, "user"))
		at++;
	return at;
}

int catalogue_add_span(struct catalogue **catalogue, const char *span, char *message, size_t size)
{
	struct catalogue *to = *catalogue ? *catalogue : calloc(1, sizeof(*to));
	struct catalogue_entry entry = { 0 };
	int err;

	if (!to)
		return -ENOMEM;
	err = span_parse(span, &entry, message, size);
	if (!err)
		err = catalogue_insert(to, span_place(to), &entry);
	if (err == -E2BIG)
		snprintf(message, size, "more than %d catalogue entries", MAX_ENTRIES);
	entry_release(&entry);
	if (err && to != *catalogue)
		catalogue_free(to);
	if (err)
		return err;
	*catalogue = to;
	return 0;
}
