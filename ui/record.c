// SPDX-License-Identifier: GPL-2.0
/*
 * ktax record: parse, open, run, close. The work is in collector/.
 *
 * A command after "--" is started as a target: it waits on a pipe until the probes are attached,
 * and they see it begin to listen, so that its first request is recorded too.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect_options.h"
#include "commands.h"
#include "doctor.h"
#include "error.h"
#include "format.h"

enum { OPTION_INTERVAL = OPTION_LONG_ONLY };

static const struct option_row record_options[] = {
	COLLECT_TARGET_ROWS,
	{ .help = "Recording:" },
	{ 'o', "output", "FILE", "write the recording to FILE (default: ktax.ktax)" },
	{ 'f', "force", NULL, "overwrite FILE if it exists" },
	{ 'd', "duration", "TIME",
	  "stop after TIME, such as 30 (seconds), 500ms or 10m; default: at Ctrl-C, or when "
	  "the targets have ended" },
	{ COLLECT_REQUESTS, "requests", "1/N",
	  "also keep one in N requests with its accounts, for report --requests" },
	{ COLLECT_SLOW, "slow", "PERCENTILE",
	  "also keep the requests slower than this percentile, such as 99" },
	{ OPTION_INTERVAL, "interval", "TIME",
	  "write an interval of the recording so often (default: 1s)" },
	COLLECT_PROBE_ROWS,
	{ 'v', "verbose", NULL,
	  "say what is hooked and how much memory that takes; twice: libbpf's messages too" },
	{ 0 },
};

/* Everything the command line says. */
struct record_arguments {
	struct collect_arguments collect;
	int verbose;
	char **command; /* NULL: none */
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	stop = signal;
}

/* ---- Arguments ---------------------------------------------------------------------------- */

static int parse_option(struct record_arguments *arguments, const struct options *options,
                        int option)
{
	struct collector_options *collector = &arguments->collect.collector;

	switch (option) {
	case 'o':
		if (!*options->value)
			return options_bad_value(options, "a file");
		collector->output = options->value;
		return KTAX_EXIT_FINE;
	case 'f':
		collector->overwrite = true;
		return KTAX_EXIT_FINE;
	case 'v':
		arguments->verbose++;
		return KTAX_EXIT_FINE;
	case 'd':
		if (option_duration(options->value, &collector->duration_ns) < 0 ||
		    !collector->duration_ns)
			return options_bad_value(options,
			                         "a length of time, e.g. 30, 500ms or 10m");
		return KTAX_EXIT_FINE;
	case OPTION_INTERVAL:
		if (option_duration(options->value, &collector->interval_ns) < 0 ||
		    collector->interval_ns < 100000000)
			return options_bad_value(options, "a length of time, 100ms at least");
		return KTAX_EXIT_FINE;
	default:
		return collect_option(&arguments->collect, options, option);
	}
}

static int parse(struct record_arguments *arguments, int argc, char **argv)
{
	struct options options;
	int option, result;

	options_begin(&options, &command_record, argc, argv);
	while ((option = options_next(&options)) > 0) {
		result = parse_option(arguments, &options, option);
		if (result)
			return result;
	}
	if (option < 0)
		return options.exit_code ? options.exit_code : -1;
	if (options.n_operands)
		arguments->command = options.operands;
	return collect_check(&arguments->collect, "record");
}

/* ---- A command to start ------------------------------------------------------------------- */

static bool is_program(const char *path)
{
	struct stat status;

	return !access(path, X_OK) && !stat(path, &status) && S_ISREG(status.st_mode);
}

static bool is_in_path(const char *name)
{
	const char *directory = getenv("PATH");
	char path[PATH_MAX];

	while (directory && *directory) {
		size_t length = strcspn(directory, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)length, directory, name);
		if (is_program(path))
			return true;
		directory += length + (directory[length] == ':');
	}
	return false;
}

/* Says what is wrong with the command before anything is attached for it. */
static int check_command(const char *name)
{
	struct failure failure = { .error = -ENOENT, .subject = name, .doing = "start it" };

	if (!strchr(name, '/')) {
		if (is_in_path(name))
			return KTAX_EXIT_FINE;
		failure.cause = "there is no such command";
		failure.remedy = "check the name, or give its path";
	} else {
		if (is_program(name))
			return KTAX_EXIT_FINE;
		if (!access(name, F_OK)) {
			failure.cause = "it is not an executable file";
			failure.remedy = "name a program";
		}
	}
	return error_print(&failure);
}

/* Forks; the child executes the command when a byte is written to the returned descriptor. */
static pid_t start_command(char **command, int *ret_go)
{
	int go[2];
	char byte;
	pid_t child;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0)
		return -errno;
	if (child) {
		close(go[0]);
		*ret_go = go[1];
		return child;
	}
	close(go[1]);
	if (read(go[0], &byte, 1) != 1)
		_exit(KTAX_EXIT_FAILED); /* the recorder gave up */
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
	error_print(
		&(struct failure){ .error = -errno, .subject = command[0], .doing = "start it" });
	_exit(127);
}

/* Ends the command; if it has ended by itself, its failure is that of the run. */
static int end_command(pid_t child, const char *name)
{
	char cause[128];
	int status;

	if (!waitpid(child, &status, WNOHANG)) {
		kill(child, SIGTERM);
		waitpid(child, &status, 0);
		return KTAX_EXIT_FINE;
	}
	if (stop || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return KTAX_EXIT_FINE;
	if (WIFEXITED(status))
		snprintf(cause, sizeof(cause), "it ended with exit status %d", WEXITSTATUS(status));
	else
		snprintf(cause, sizeof(cause), "it was killed by signal %d (%s)", WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	return error_print(&(struct failure){ .subject = name,
	                                      .cause = cause,
	                                      .remedy = "the recording up to then is complete" });
}

/* ---- Progress ----------------------------------------------------------------------------- */

static struct progress_state {
	bool shown; /* the line is on the screen */
	bool warned;
	bool live; /* stderr is a terminal */
	struct terminal terminal;
	uint64_t requests, elapsed_ns; /* so far */
} progress_state;

static void clear_progress(struct progress_state *state)
{
	if (state->shown)
		fputs("\r\033[K", stderr);
	state->shown = false;
}

static void show_progress(const struct collector_progress *progress, void *context)
{
	struct progress_state *state = context;
	char line[256], cost[32] = "unknown";

	clear_progress(state);
	state->requests = progress->requests;
	state->elapsed_ns = progress->elapsed_ns;
	if (progress->nothing_seen && !state->warned) {
		error_note(
			progress->endpoints
				? "no request seen yet on any of the %zu listening endpoints; is there "
				  "traffic?"
				: "nothing matches yet: no listening TCP socket of the targets "
				  "(%zu endpoints); see ss -ltnp",
			progress->endpoints);
		state->warned = true;
	}
	if (!state->live)
		return;
	if (progress->cost_pct >= 0)
		snprintf(cost, sizeof(cost), "%.2f %%", progress->cost_pct);
	snprintf(line, sizeof(line),
	         "%.0f s  %llu requests  %.0f/s  p50 %s  p99 %s  lost %llu  cost %s  "
	         "attached %.0f %%",
	         progress->elapsed_ns / 1e9, (unsigned long long)progress->requests, progress->rate,
	         format_ns(&state->terminal, progress->p50_ns).text,
	         format_ns(&state->terminal, progress->p99_ns).text,
	         (unsigned long long)progress->lost, cost, 100 * progress->attached_share);
	put_last(&state->terminal, state->terminal.width - 1, line);
	fflush(stderr);
	state->shown = true;
}

/* Also where there is no terminal: the one sentence that scripts and logs get. */
static void print_end(const struct progress_state *state, const char *output)
{
	error_note("recorded %llu request%s in %s to %s", (unsigned long long)state->requests,
	           state->requests == 1 ? "" : "s",
	           format_ns(&state->terminal, state->elapsed_ns).text, output);
}

static void print_line(const char *text, void *context)
{
	error_note("%s", text);
}

static int verbosity;

static void log_line(int level, const char *text)
{
	if (level == 0 ? verbosity >= 1 : verbosity >= 2)
		fprintf(stderr, "ktax: libbpf: %s", strncmp(text, "libbpf: ", 8) ? text : text + 8);
}

static void print_note(const char *text)
{
	clear_progress(&progress_state);
	error_note("%s", text);
}

/* ---- Running ------------------------------------------------------------------------------ */

static int report_failure(const struct collector_failure *failure)
{
	return error_print(&(struct failure){
		.error = failure->error,
		.subject = *failure->subject ? failure->subject : NULL,
		.doing = failure->doing,
		.cause = failure->cause,
		.remedy = failure->remedy,
	});
}

static int record(struct record_arguments *arguments)
{
	struct progress_state *progress = &progress_state;
	struct collector_failure failure = {};
	struct collector *collector = NULL;
	char *readiness = doctor_readiness_json();
	int err;

	arguments->collect.collector.readiness = readiness;
	err = collector_open(&arguments->collect.collector, &collector, &failure);
	free(readiness);
	arguments->collect.collector.readiness = NULL;
	progress->live = isatty(STDERR_FILENO);
	progress->terminal = terminal_init(stderr, COLOR_AUTO);
	if (err)
		return report_failure(&failure);
	if (arguments->verbose)
		collector_describe(collector, print_line, NULL);
	err = collector_run(collector, &stop, show_progress, progress, &failure);
	if (progress->shown)
		fprintf(stderr, "\n");
	collector_close(collector);
	if (err)
		return report_failure(&failure);
	print_end(progress, arguments->collect.collector.output);
	return KTAX_EXIT_FINE;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a gone reader of stderr must not cut the recording short */
}

static int record_command(struct record_arguments *arguments)
{
	struct target_spec *spec = &arguments->collect.collector.targets;
	const char *name = arguments->command[0];
	int result = check_command(name), go = -1;
	pid_t child;

	if (result)
		return result;
	child = start_command(arguments->command, &go);
	if (child < 0)
		return error_print(
			&(struct failure){ .error = child, .subject = name, .doing = "start it" });
	arguments->collect.collector.child = child;
	arguments->collect.collector.child_go = go;
	if (!spec->n_ports && spec->n_pids < COLLECT_LIST_MAX)
		arguments->collect.pids[spec->n_pids++] = child;
	result = record(arguments);
	close(go); /* if it waits for its start still, it gives up */
	if (!result)
		return end_command(child, name);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	return result;
}

static int record_run(int argc, char **argv)
{
	static struct record_arguments arguments;
	struct collector_options *collector = &arguments.collect.collector;
	int result;

	collect_begin(&arguments.collect, argc, argv);
	collector->output = "ktax.ktax";
	collector->log = log_line;
	collector->note = print_note;
	result = parse(&arguments, argc, argv);
	if (result)
		return result < 0 ? KTAX_EXIT_FINE : result;
	verbosity = arguments.verbose;
	catch_signals();
	return arguments.command ? record_command(&arguments) : record(&arguments);
}

const struct command command_record = {
	.name = "record",
	.run = record_run,
	.summary = "record where each request's time goes",
	.operands = "[-- COMMAND...]",
	.description =
		"Attaches probes to the kernel and to libraries of the targets, follows every request "
		"from its arrival to the last byte of its response, and posts each nanosecond to one "
		"account. Aggregates are kept in the kernel and written to FILE once per interval; a "
		"recorder that is killed leaves all finished intervals readable. 'ktax report FILE' "
		"shows the result.\n\n"
		"COMMAND is started once the probes are attached, recorded from its first request on, "
		"and ended with the recording.\n\n"
		"Needs CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, "
		"and gives up what it does not need any more once the probes are attached. With "
		"CAP_SYS_ADMIN too it can measure what the probes cost and keep to the budget. No payload "
		"is kept: received bytes are looked at only to count pipelined requests.",
	.options = record_options,
	.examples = "  ktax record -p $(pidof redis-server) -d 30 -o redis.ktax\n"
		    "  ktax record --port 8080 -- ./myserver --flag\n"
		    "  ktax record --comm nginx --slow 99 -o nginx.ktax\n",
};
