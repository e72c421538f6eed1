// SPDX-License-Identifier: GPL-2.0
/* `ktax diff`: what changed from one recording to another, and a gate for CI. */
#include <stdio.h>

#include "commands.h"
#include "diff_output.h"
#include "error.h"
#include "format.h"
#include "options.h"
#include "recording_input.h"

enum {
	OPTION_FAIL_ABOVE = OPTION_LONG_ONLY,
	OPTION_ALL,
	OPTION_JSON,
	OPTION_HTML,
	OPTION_COLOR,
	OPTION_NO_COLOR
};

static const struct option_row diff_options[] = {
	{ 'e', "endpoint", "NAME", "only endpoints whose name contains NAME, such as :6379" },
	{ OPTION_FAIL_ABOVE, "fail-above", "PCT",
	  "exit 3 if p50, p90 or p99 of the total is more than PCT per cent higher, 4 if that cannot "
	  "be said" },
	{ .help = "Output:" },
	{ OPTION_ALL, "all", NULL, "show accounts whose change cannot be told from 0, too" },
	{ OPTION_JSON, "json", NULL, "print JSON (ktax.diff/1, see docs/diff.schema.json)" },
	{ OPTION_HTML, "html", "FILE", "write one self-contained HTML page to FILE" },
	{ OPTION_COLOR, "color", "auto|always|never", "colours: by default on a terminal only" },
	{ OPTION_NO_COLOR, "no-color", NULL, "the same as --color never" },
	{ 0 },
};

struct diff_arguments {
	const char *endpoint, *html, *before, *after;
	bool json, all, gated;
	double limit_pct;
	enum color_when color;
};

/* What the value of @option should have been, NULL if it is fine. */
static const char *take(struct diff_arguments *arguments, int option, const char *value)
{
	switch (option) {
	case 'e':
		arguments->endpoint = value;
		break;
	case OPTION_FAIL_ABOVE:
		arguments->gated = true;
		return option_number(value, 0, 1e6, &arguments->limit_pct) < 0
		               ? "a number of per cent"
		               : NULL;
	case OPTION_ALL:
		arguments->all = true;
		break;
	case OPTION_JSON:
		arguments->json = true;
		break;
	case OPTION_HTML:
		arguments->html = value;
		break;
	case OPTION_COLOR:
		return terminal_parse_when(value, &arguments->color) ? "auto, always or never"
		                                                     : NULL;
	case OPTION_NO_COLOR:
		arguments->color = COLOR_NEVER;
		break;
	}
	return NULL;
}

/* 0 to go on, 1 to end with *ret_exit. */
static int diff_parse(int argc, char **argv, struct diff_arguments *arguments, int *ret_exit)
{
	struct options options;
	int option;

	options_begin(&options, &command_diff, argc, argv);
	while ((option = options_next(&options)) > 0) {
		const char *expected = take(arguments, option, options.value);

		if (!expected)
			continue;
		*ret_exit = options_bad_value(&options, expected);
		return 1;
	}
	*ret_exit = options.exit_code;
	if (option < 0)
		return 1;
	if (options.n_operands != 2) {
		*ret_exit = error_usage("diff", "name two recordings: before and after");
		return 1;
	}
	arguments->before = options.operands[0];
	arguments->after = options.operands[1];
	return 0;
}

/* ---- Showing --------------------------------------------------------------------------------- */

const char *diff_level_title(enum diff_level level)
{
	return level == DIFF_P999 ? "p99.9" : diff_level_name[level];
}

const char *diff_row_title(int row)
{
	switch (row) {
	case DIFF_TUNED:
		return "with tuning";
	case DIFF_BYPASS:
		return "with bypass";
	default:
		return diff_row_name(row);
	}
}

const char *diff_gate_name(enum diff_gate gate)
{
	static const char *const names[] = {
		[DIFF_GATE_FINE] = "fine",
		[DIFF_GATE_REGRESSED] = "regressed",
		[DIFF_GATE_UNDECIDED] = "undecided",
	};

	return names[gate];
}

static int exit_code_of(const struct diff_output *output)
{
	static const int codes[] = {
		[DIFF_GATE_FINE] = KTAX_EXIT_FINE,
		[DIFF_GATE_REGRESSED] = KTAX_EXIT_AGAINST,
		[DIFF_GATE_UNDECIDED] = KTAX_EXIT_INCONCLUSIVE,
	};

	if (!output->gated)
		return KTAX_EXIT_FINE;
	return codes[diff_judge_all(output->diff, output->limit)];
}

/* Returns the exit code: that of the gate, unless showing it fails. */
static int diff_show(const struct diff_arguments *arguments, const struct diff_output *output)
{
	struct terminal terminal = terminal_init(stdout, arguments->color);
	int exit_code = exit_code_of(output), error = 0;

	if (arguments->html) {
		error = diff_html(arguments->html, output);
		if (error)
			return error_print(&(struct failure){ .error = error,
			                                      .subject = arguments->html,
			                                      .doing = "write the page" });
	}
	if (arguments->json)
		error = diff_json(stdout, output, exit_code);
	else
		diff_text(&terminal, output);
	if (error)
		return error_print(
			&(struct failure){ .error = error, .doing = "print the comparison" });
	return exit_code;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int compare(const struct diff_arguments *arguments, const struct findings *before,
                   const struct findings *after)
{
	struct diff_output output = { .before = arguments->before,
		                      .after = arguments->after,
		                      .gated = arguments->gated,
		                      .limit = arguments->limit_pct / 100,
		                      .all = arguments->all };
	const char *source = NULL;
	struct diff *diff;
	int exit_code, error;

	error = diff_create(before, after, arguments->endpoint, 0.95, &diff, &source);
	if (error)
		return error_print(&(struct failure){
			.error = error, .subject = source, .doing = "compare the recordings" });
	output.diff = diff;
	exit_code = diff_show(arguments, &output);
	diff_free(diff);
	return exit_code;
}

/* 0, or an exit code once all is said. */
static int read_findings(const char *path, struct recording **ret_recording,
                         struct findings **ret_findings)
{
	int error = recording_read(&path, 1, ret_recording, NULL);

	if (error)
		return recording_refuse(path, error);
	error = findings_create(*ret_recording, ret_findings);
	if (!error)
		return 0;
	return error_print(&(struct failure){
		.error = error, .subject = path, .doing = "analyze the recording" });
}

static int diff_run(int argc, char **argv)
{
	struct diff_arguments arguments = { 0 };
	struct recording *recordings[2] = { NULL, NULL };
	struct findings *findings[2] = { NULL, NULL };
	int exit_code;

	if (diff_parse(argc, argv, &arguments, &exit_code))
		return exit_code;
	exit_code = read_findings(arguments.before, &recordings[0], &findings[0]);
	if (!exit_code)
		exit_code = read_findings(arguments.after, &recordings[1], &findings[1]);
	if (!exit_code)
		exit_code = compare(&arguments, findings[0], findings[1]);
	for (int i = 0; i < 2; i++) {
		findings_free(findings[i]);
		if (recordings[i])
			recording_free(recordings[i]);
	}
	return exit_code;
}

const struct command command_diff = {
	.name = "diff",
	.run = diff_run,
	.summary = "compare two recordings",
	.operands = "BEFORE AFTER",
	.description =
		"Compares two recordings, endpoint by endpoint: the total, the accounts and what "
		"would remain without the kernel, at the mean and at percentiles. Each change has a "
		"95 % interval, computed over blocks of seconds since requests of one second are "
		"alike; only what the interval tells from 0 is coloured. Each interval stands for "
		"itself: of 100 figures that did not change, some 5 are coloured.\n\n"
		"--fail-above makes it a gate for CI: exit 3 if p50, p90 or p99 of an endpoint's total "
		"is higher by more than so many per cent (the whole interval is), 4 if the recordings "
		"are too short or too noisy to say, 0 if none is. These intervals hold together, so "
		"equal recordings fail by chance in less than one of 20 runs.\n\n"
		"An interval is about these two recordings. Two runs of an unchanged service may differ "
		"by more: compare two of them to learn by how much. Endpoints belong together by "
		"name, or because each recording has but one (docs/diff.md).",
	.options = diff_options,
	.examples =
		"  ktax diff before.ktax after.ktax\n"
		"  ktax diff --fail-above 10 before.ktax after.ktax\n"
		"  ktax diff --json before.ktax after.ktax | jq '.endpoints[0].total.p99.change'\n",
};
