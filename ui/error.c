// SPDX-License-Identifier: GPL-2.0
/*
 * Words and exit codes of errors. The table holds only what strerror() says badly for ktax, or
 * where there is a usual remedy; callers who know better pass .cause and .remedy.
 */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error_words {
	int error;
	const char *cause;  /* NULL: strerror() */
	const char *remedy; /* NULL: none in general */
};

static const struct error_words error_words[] = {
	{ ENOENT, "no such file or directory", "check the path" },
	{ EACCES, "permission denied", "run it as root, or as the owner of the file" },
	{ EPERM, "not permitted", "run it as root (CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)" },
	{ EEXIST, "it exists already", "choose another name" },
	{ EISDIR, "it is a directory", "name a file" },
	{ ENOTDIR, "a part of the path is not a directory", "check the path" },
	{ ENOSPC, "no space left on the device", "free some space or choose another place" },
	{ EROFS, "the file system is read-only", "choose another place" },
	{ ENOMEM, "out of memory", "free some memory" },
	{ EMEDIUMTYPE, "not a ktax recording", "name a file that 'ktax record' wrote" },
	{ EPROTO, "written by a newer ktax", "upgrade ktax" },
	{ EPROTOTYPE, "has another schema than this ktax reads",
	  "read it with the ktax that wrote it" },
	{ EBADMSG, "truncated or damaged", "take another copy of it" },
	{ ENODATA, "holds not one finished interval", "record for at least one second" },
	{ EOPNOTSUPP, "not supported here", NULL },
	{ ENOSYS, "not supported by this kernel", NULL },
};

static const struct error_words *error_find(int error)
{
	static const struct error_words none;

	for (size_t i = 0; i < sizeof(error_words) / sizeof(error_words[0]); i++)
		if (error_words[i].error == -error)
			return &error_words[i];
	return &none;
}

enum ktax_exit error_exit_code(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
	case EOPNOTSUPP:
	case ENOSYS:
		return KTAX_EXIT_UNSUPPORTED;
	default:
		return KTAX_EXIT_FAILED;
	}
}

/* Text of files and arguments stands in sentences: it must not reach the terminal as commands. */
static void say(const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, stderr);
}

static void say_formatted(const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0) {
		say("out of memory");
		return;
	}
	say(text);
	free(text);
}

int error_print(const struct failure *failure)
{
	const struct error_words *words = error_find(failure->error);
	const char *cause = failure->cause ? failure->cause : words->cause;
	const char *remedy = failure->remedy ? failure->remedy : words->remedy;

	fflush(stdout);
	fputs("ktax: ", stderr);
	if (failure->subject) {
		say(failure->subject);
		say(": ");
	}
	if (failure->doing) {
		say("cannot ");
		say(failure->doing);
		say(": ");
	}
	say(cause ? cause : strerror(-failure->error));
	if (remedy && remedy[0]) {
		say("; ");
		say(remedy);
	}
	fputc('\n', stderr);
	return error_exit_code(failure->error);
}

int error_usage(const char *command, const char *format, ...)
{
	const char *space = command ? " " : "";
	va_list arguments;

	command = command ? command : "";
	fflush(stdout);
	fprintf(stderr, "ktax%s%s: ", space, command);
	va_start(arguments, format);
	say_formatted(format, arguments);
	va_end(arguments);
	fprintf(stderr, "; see 'ktax help%s%s'\n", space, command);
	return KTAX_EXIT_USAGE;
}

void error_note(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("ktax: ", stderr);
	va_start(arguments, format);
	say_formatted(format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}
