// SPDX-License-Identifier: GPL-2.0
/* `ktax top`: options, then the screen or, where there is no terminal, batches of text. */
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect_options.h"
#include "commands.h"
#include "doctor.h"
#include "error.h"
#include "screen.h"

enum {
	OPTION_REPLAY = OPTION_LONG_ONLY,
	OPTION_AT,
	OPTION_SPEED,
	OPTION_SPAN,
	OPTION_VIEW,
	OPTION_FILTER,
	OPTION_ASCII,
	OPTION_NO_COLOR,
};

static const struct option_row top_options[] = {
	COLLECT_TARGET_ROWS,
	{ .help = "A recording:" },
	{ OPTION_REPLAY, "replay", "FILE", "play this recording instead; takes no privileges" },
	{ OPTION_AT, "at", "TIME",
	  "begin paused at TIME of the recording, such as 90 (seconds) or 5m; \"end\": at its end" },
	{ OPTION_SPEED, "speed", "N", "play N times as fast" },
	{ .help = "Screen:" },
	{ 'd', "delay", "TIME", "refresh so often (default: 1s)" },
	{ OPTION_SPAN, "span", "TIME",
	  "figures are of the last TIME (default: 10s); \"all\": since the start" },
	{ OPTION_VIEW, "view", "endpoints|ledger|distribution|slowest|threads|self",
	  "begin with this view" },
	{ OPTION_FILTER, "filter", "TEXT", "only endpoints and processes that contain TEXT" },
	{ 'b', "batch", NULL, "print text instead, as where the output is no terminal" },
	{ 'n', "iterations", "N", "end after N frames of text" },
	{ OPTION_ASCII, "ascii", NULL, "draw with ASCII characters only" },
	{ OPTION_NO_COLOR, "no-color", NULL, "no colours; as if NO_COLOR were set" },
	COLLECT_PROBE_ROWS,
	{ COLLECT_SLOW, "slow", "PERCENTILE",
	  "keep the requests slower than this percentile for the views of single requests "
	  "(default: 99)" },
	{ COLLECT_REQUESTS, "requests", "1/N", "keep one in N requests instead" },
	{ 0 },
};

#define BATCH_WIDTH      132
#define INTERVAL_MOST_NS 1000000000ULL

struct top_arguments {
	struct collect_arguments collect;
	struct replay_options replay;
	uint64_t delay_ns, span_ns, frames;
	enum view_name view;
	const char *filter;
	bool batch, ascii, no_color;
};

/* ---- Arguments ---------------------------------------------------------------------------- */

static int parse_replay(struct top_arguments *arguments, const struct options *options, int option)
{
	struct replay_options *replay = &arguments->replay;

	switch (option) {
	case OPTION_REPLAY:
		replay->path = options->value;
		break;
	case OPTION_AT:
		replay->paused = true;
		replay->at_end = !strcmp(options->value, "end");
		if (!replay->at_end && option_duration(options->value, &replay->at_ns) < 0)
			return options_bad_value(options, "a length of time, or end");
		break;
	case OPTION_SPEED:
		if (option_number(options->value, 0.1, 1000, &replay->speed) < 0)
			return options_bad_value(options, "a number, 0.1 to 1000");
		break;
	}
	return KTAX_EXIT_FINE;
}

static int parse_screen(struct top_arguments *arguments, const struct options *options, int option)
{
	switch (option) {
	case 'd':
		if (option_duration(options->value, &arguments->delay_ns) < 0 ||
		    arguments->delay_ns < 100000000)
			return options_bad_value(options, "a length of time, 100ms at least");
		break;
	case OPTION_SPAN:
		arguments->span_ns = TAIL_EVERYTHING;
		if (strcmp(options->value, "all") != 0 &&
		    (option_duration(options->value, &arguments->span_ns) < 0 ||
		     !arguments->span_ns))
			return options_bad_value(options, "a length of time, or all");
		break;
	case OPTION_VIEW:
		if (top_view_by_name(options->value, &arguments->view) < 0)
			return options_bad_value(
				options,
				"endpoints, ledger, distribution, slowest, threads or self");
		break;
	case OPTION_FILTER:
		arguments->filter = options->value;
		break;
	case 'b':
		arguments->batch = true;
		break;
	case 'n':
		if (option_integer(options->value, 1, UINT32_MAX, &arguments->frames) < 0)
			return options_bad_value(options, "a number, 1 or more");
		break;
	case OPTION_ASCII:
		arguments->ascii = true;
		break;
	case OPTION_NO_COLOR:
		arguments->no_color = true;
		break;
	}
	return KTAX_EXIT_FINE;
}

static bool is_collect_option(int option)
{
	return option == 'p' || option >= COLLECT_COMM;
}

static int parse_one(struct top_arguments *arguments, const struct options *options, int option)
{
	if (is_collect_option(option))
		return collect_option(&arguments->collect, options, option);
	if (option == OPTION_REPLAY || option == OPTION_AT || option == OPTION_SPEED)
		return parse_replay(arguments, options, option);
	return parse_screen(arguments, options, option);
}

/* Whether options go together; what follows from them. */
static int check(struct top_arguments *arguments, const struct options *options, bool any_collect,
                 bool any_replay)
{
	struct collector_options *collector = &arguments->collect.collector;

	if (options->n_operands)
		return error_usage("top", "unexpected argument '%s'", options->operands[0]);
	if (arguments->replay.path && any_collect)
		return error_usage("top", "a recording has its targets and probes: no such option "
		                          "goes with --replay");
	if (!arguments->replay.path && any_replay)
		return error_usage("top", "--at and --speed need --replay");
	if (collector->sample_every)
		collector->slow_pct = 0;
	collector->interval_ns = arguments->delay_ns;
	if (collector->interval_ns > INTERVAL_MOST_NS)
		collector->interval_ns = INTERVAL_MOST_NS;
	return collect_check(&arguments->collect, "top");
}

static int parse(struct top_arguments *arguments, int argc, char **argv)
{
	bool any_collect = false, any_replay = false;
	struct options options;
	int option, result;

	options_begin(&options, &command_top, argc, argv);
	while ((option = options_next(&options)) > 0) {
		any_collect |= is_collect_option(option);
		any_replay |= option == OPTION_AT || option == OPTION_SPEED;
		result = parse_one(arguments, &options, option);
		if (result)
			return result;
	}
	if (option < 0)
		return options.exit_code ? options.exit_code : -1;
	return check(arguments, &options, any_collect, any_replay);
}

/* ---- Running ------------------------------------------------------------------------------ */

static void on_signal(int signal)
{
	top_stop = signal;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* As in wants_color(), for a screen: a terminal without colours says so itself. */
static bool wants_color(const struct top_arguments *arguments)
{
	const char *no_color = getenv("NO_COLOR");

	return !arguments->no_color && !(no_color && no_color[0]);
}

static int batch_width(void)
{
	const char *columns = getenv("COLUMNS");
	uint64_t width;

	if (columns && option_integer(columns, TOP_WIDTH_LEAST, 1000, &width) == 0)
		return (int)width;
	return BATCH_WIDTH;
}

static int refuse_terminal(void)
{
	const char *term = getenv("TERM");

	return error_print(
		&(struct failure){ .subject = term && term[0] ? term : "the terminal",
	                           .doing = "draw on it",
	                           .cause = "terminfo does not know a terminal of this type",
	                           .remedy = "set TERM, or print text with --batch" });
}

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

/* What the recorder's thread failed by; what has happened otherwise. */
static struct collector_failure live_failure;

static int show(const struct top_arguments *arguments, struct top *top)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int error;

	if (arguments->batch || !terminal)
		error = batch_run(top, arguments->frames, batch_width(), top->utf8);
	else
		error = screen_run(top, wants_color(arguments));
	if (error == -ENOTTY)
		return refuse_terminal();
	if (error && live_failure.error)
		return report_failure(&live_failure);
	if (error)
		return error_print(&(struct failure){
			.error = error, .cause = top->message[0] ? top->message : NULL });
	return KTAX_EXIT_FINE;
}

static int open_replay(const struct top_arguments *arguments, struct top *top)
{
	int error = replay_open(&arguments->replay, &top->model, top_clock_ns(), &top->source);

	top->paused = arguments->replay.paused;
	return error ? error_print(&(struct failure){ .error = error,
	                                              .subject = arguments->replay.path })
	             : KTAX_EXIT_FINE;
}

static int open_live(struct top_arguments *arguments, struct top *top)
{
	struct collector_options *collector = &arguments->collect.collector;
	char *readiness = doctor_readiness_json();
	int error;

	collector->readiness = readiness; /* for a recording that is written */
	error = live_open(collector, &live_failure, &top->source);
	free(readiness);
	return error ? report_failure(&live_failure) : KTAX_EXIT_FINE;
}

static int open_and_show(struct top_arguments *arguments, struct top *top)
{
	int result, error = model_init(&top->model, TOP_BYTES_MAX, arguments->span_ns);

	if (error)
		return error_print(&(struct failure){ .error = error, .doing = "start" });
	result = arguments->replay.path ? open_replay(arguments, top) : open_live(arguments, top);
	if (result)
		return result;
	if (arguments->filter)
		model_filter(&top->model, arguments->filter);
	result = show(arguments, top);
	top->source->ops->close(top->source);
	return result;
}

static int top_run(int argc, char **argv)
{
	static struct top_arguments arguments = {
		.replay = { .speed = 1 },
		.delay_ns = DELAY_DEFAULT_NS,
		.span_ns = SPAN_DEFAULT_NS,
	};
	static struct top top;
	int result;

	collect_begin(&arguments.collect, argc, argv);
	arguments.collect.collector.slow_pct = 99;
	result = parse(&arguments, argc, argv);
	if (result)
		return result < 0 ? KTAX_EXIT_FINE : result;
	top.delay_ns = arguments.delay_ns;
	top.view = arguments.view;
	top.utf8 = !arguments.ascii && !strcmp(nl_langinfo(CODESET), "UTF-8");
	catch_signals();
	result = open_and_show(&arguments, &top);
	model_destroy(&top.model);
	return result;
}

const struct command command_top = {
	.name = "top",
	.run = top_run,
	.summary = "watch where each request's time goes",
	.description =
		"A screen in the manner of top: all endpoints with their rates and percentiles; the "
		"ledger of one of them at the mean, in its faster half and in its slowest 1 %, side by "
		"side; its latency distribution with and without the kernel's part; its slowest "
		"requests; its threads; and what ktax itself costs. 'h' shows the keys.\n\n"
		"Live, it takes the kernel's aggregates as 'ktax record' does, with the same "
		"privileges and within the same budget, and writes no file unless 'w' asks for one. "
		"Without --slow and --requests it keeps the slowest 1 % of the requests for the "
		"views of single requests. --replay plays a recording instead.\n\n"
		"Where the output is no terminal, or with --batch, it prints a frame of text per "
		"refresh.",
	.options = top_options,
	.examples = "  ktax top --port 6379\n"
		    "  ktax top --comm nginx --batch -n 3 --view ledger\n"
		    "  ktax top --replay redis.ktax\n"
		    "  ktax top --replay redis.ktax --at end --span all --batch\n",
};
