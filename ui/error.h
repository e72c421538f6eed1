/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one place where an error becomes one sentence on stderr and an exit code.
 *
 * Everything below ui returns negative errno and says nothing. A subcommand ends with
 *
 *	return error_print(&(struct failure){
 *		.error = error,
 *		.subject = path,
 *		.doing = "create the recording",
 *		.remedy = "choose another file with -o, or overwrite it with --force",
 *	});
 *
 * which prints "ktax: SUBJECT: cannot DOING: CAUSE; REMEDY". Of these only .error is needed.
 */
#ifndef KTAX_UI_ERROR_H
#define KTAX_UI_ERROR_H

/* The same in every subcommand; scripts depend on them. */
enum ktax_exit {
	KTAX_EXIT_FINE = 0,         /* done, approved */
	KTAX_EXIT_USAGE = 1,        /* the command line is wrong */
	KTAX_EXIT_FAILED = 2,       /* the run failed */
	KTAX_EXIT_AGAINST = 3,      /* decided against: gain below policy, regression */
	KTAX_EXIT_INCONCLUSIVE = 4, /* inconclusive or invalid measurement */
	KTAX_EXIT_UNSUPPORTED = 5,  /* not permitted or not supported here */
};

struct failure {
	int error;           /* negative errno, 0 where .cause says it all */
	const char *subject; /* what it happened on: a path, an endpoint, a program */
	const char *doing;   /* verb and object, after "cannot" */
	const char *cause;   /* instead of the words for .error */
	const char *remedy;  /* what to do; NULL: what usually helps against .error, if anything */
};

/* Prints the sentence; returns the exit code that belongs to .error. */
int error_print(const struct failure *failure);

/* "ktax COMMAND: ...; see 'ktax help COMMAND'" (@command may be NULL); returns KTAX_EXIT_USAGE. */
int error_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ktax: ..." on stderr: something the user should know that does not end the run. */
void error_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for a negative errno; 0 gives KTAX_EXIT_FAILED too (an error without a number). */
enum ktax_exit error_exit_code(int error);

#endif
