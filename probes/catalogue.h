/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The catalogue: library functions whose time has an account of its own, as data.
 *
 * One .ini file per family of libraries ("json-c.ini" is the family json-c). A section describes a
 * set of functions that share everything but their name:
 *
 *	[parse]					; any name
 *	library = libjson-c.so.*		; glob(s) on DT_SONAME or the file's name
 *	symbols = json_tokener_parse_ex		; glob(s) on symbol names (C++: mangled)
 *	account = serialize			; an account of the ledger
 *	nesting = outermost			; outermost (default) or stacked, see spans.h
 *	throws = no				; yes: exceptions or unwinding may pass, see spans.h
 *	note = free text			; why this function; shown to people
 *
 * A probe costs 0.7 us or more each time, and an inner call costs as much as an outer one although
 * it changes nothing. So of functions that call each other only the inner one is listed, where all
 * ways lead there, and none that is called per value or field.
 *
 * library and symbols hold several globs separated by white space, also on indented lines. Where
 * the library's glob starts with "lib", the functions are also looked for in the processes'
 * executables, into which the library may be linked statically. A glob with a slash matches the
 * whole path.
 */
#ifndef KTAX_CATALOGUE_H
#define KTAX_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "account.h"
#include "spans.h"

struct catalogue_entry {
	char *family;   /* "json-c", or "user" for --span */
	char *origin;   /* "json-c.ini:3", or "--span ..." */
	char **library; /* globs, NULL-terminated */
	char **symbols; /* globs, NULL-terminated */
	char *note;     /* may be NULL */
	enum ktax_account account;
	enum span_nesting nesting;
	bool throws;
};

struct catalogue {
	struct catalogue_entry *entries;
	size_t n;
};

/* Room that holds any of the messages below. */
#define CATALOGUE_MESSAGE_SIZE 512

/*
 * Loads every *.ini of @dir in the order of their names. NULL: $KTAX_CATALOGUE, else the installed
 * directory, else the one of the source tree.
 * Returns 0, -EINVAL for a mistake in a file, or another negative errno; @message then says
 * "file:line: what" and @ret is untouched.
 */
int catalogue_load(const char *dir, struct catalogue **ret, char *message, size_t size);

/*
 * Adds what `--span LIB:SYMBOL[=ACCOUNT]` says; LIB and SYMBOL are globs, ACCOUNT is serialize if
 * not given. C++ symbols (_Z...) are taken as throwing. Goes before the loaded entries, so that it
 * overrides them. *@catalogue may be NULL: a catalogue is made.
 */
int catalogue_add_span(struct catalogue **catalogue, const char *span, char *message, size_t size);

void catalogue_free(struct catalogue *catalogue);

#endif
