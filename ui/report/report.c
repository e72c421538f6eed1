// SPDX-License-Identifier: GPL-2.0
/* `ktax report`: what the requests of recordings were made of. */
#include "report.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "recording_input.h"
#include "report_html.h"

enum {
	OPTION_JSON = OPTION_LONG_ONLY,
	OPTION_HLOG,
	OPTION_REQUESTS,
	OPTION_HTML,
	OPTION_AB,
	OPTION_DECISION,
	OPTION_COLOR,
	OPTION_NO_COLOR
};

static const struct option_row report_options[] = {
	{ 'e', "endpoint", "NAME", "only endpoints whose name contains NAME, such as :6379" },
	{ .help = "Output:" },
	{ OPTION_JSON, "json", NULL, "print JSON (ktax.report/1, see docs/report.schema.json)" },
	{ OPTION_HLOG, "hlog", "DIR",
	  "write one HdrHistogram interval log per endpoint into DIR, with the tags total, "
	  "floor_tuned, floor_bypass and one per account" },
	{ OPTION_REQUESTS, "requests", NULL,
	  "print the sampled requests as tab-separated values, oldest first" },
	{ OPTION_HTML, "html", "FILE", "write one self-contained HTML page with plots to FILE" },
	{ OPTION_AB, "ab", "FILE", "with --html: show the result of ktax ab --json in FILE too" },
	{ OPTION_DECISION, "decision", "FILE",
	  "with --html: open with the verdict of ktax decide --json in FILE" },
	{ OPTION_COLOR, "color", "auto|always|never", "colours: by default on a terminal only" },
	{ OPTION_NO_COLOR, "no-color", NULL, "the same as --color never" },
	{ 0 },
};

struct report_arguments {
	const char *endpoint, *hlog, *html, *ab, *decision;
	bool json, requests;
	enum color_when color;
	const char *const *files;
	size_t n_files;
};

/* 0 to go on, 1 to end with *ret_exit. */
static int report_parse(int argc, char **argv, struct report_arguments *arguments, int *ret_exit)
{
	struct options options;
	int option;

	options_begin(&options, &command_report, argc, argv);
	while ((option = options_next(&options)) > 0) {
		switch (option) {
		case 'e':
			arguments->endpoint = options.value;
			break;
		case OPTION_JSON:
			arguments->json = true;
			break;
		case OPTION_HLOG:
			arguments->hlog = options.value;
			break;
		case OPTION_REQUESTS:
			arguments->requests = true;
			break;
		case OPTION_HTML:
			arguments->html = options.value;
			break;
		case OPTION_AB:
			arguments->ab = options.value;
			break;
		case OPTION_DECISION:
			arguments->decision = options.value;
			break;
		case OPTION_COLOR:
			if (terminal_parse_when(options.value, &arguments->color) == 0)
				break;
			*ret_exit = options_bad_value(&options, "auto, always or never");
			return 1;
		case OPTION_NO_COLOR:
			arguments->color = COLOR_NEVER;
			break;
		}
	}
	arguments->files = (const char *const *)options.operands;
	arguments->n_files = option < 0 ? 0 : (size_t)options.n_operands;
	*ret_exit = options.exit_code;
	return option < 0;
}

bool report_shows(const struct report *report, const char *endpoint_name)
{
	return !report->only || strstr(endpoint_name, report->only);
}

static bool shows_any(const struct report *report)
{
	for (size_t i = 0; i < report->findings->n_endpoints; i++)
		if (report_shows(report, report->findings->endpoints[i].ledger->endpoint.name))
			return true;
	return !report->only;
}

static int refuse_endpoint(const struct report *report)
{
	char remedy[256] = "it holds none";
	size_t length = strlen("it holds");

	for (size_t i = 0; i < report->findings->n_endpoints && length < sizeof(remedy); i++)
		length += (size_t)snprintf(remedy + length, sizeof(remedy) - length, "%s %s",
		                           i ? "," : "",
		                           report->findings->endpoints[i].ledger->endpoint.name);
	return error_print(&(struct failure){
		.subject = report->findings->recording->sources[0],
		.doing = "find an endpoint of that name",
		.cause = report->only,
		.remedy = remedy,
	});
}

static int print_hlog(const struct report_arguments *arguments, const struct report *report)
{
	char path[4096] = "";
	int error = report_hlog(arguments->hlog, report, path);

	if (!error)
		return KTAX_EXIT_FINE;
	return error_print(&(struct failure){
		.error = error, .subject = path, .doing = "write the interval log" });
}

static int print_requests(const struct report *report)
{
	const char *path = NULL;
	int error = report_requests(stdout, report, &path);

	return error ? recording_refuse(path, error) : KTAX_EXIT_FINE;
}

static int print_json(const struct report *report)
{
	int error = report_json(stdout, report);

	if (!error)
		return KTAX_EXIT_FINE;
	return error_print(&(struct failure){ .error = error, .doing = "print the report" });
}

/* A document beside the recording; none is asked for where @path is NULL. */
static int read_document(const char *path, const char *schema, const char *command,
                         json_t **ret_document)
{
	char cause[96], remedy[96];
	int error;

	if (!path)
		return KTAX_EXIT_FINE;
	error = html_read_document(path, schema, ret_document);
	if (!error)
		return KTAX_EXIT_FINE;
	snprintf(cause, sizeof(cause), "not a document %s", schema);
	snprintf(remedy, sizeof(remedy), "name a file that 'ktax %s --json' wrote", command);
	return error_print(&(struct failure){
		.error = error,
		.subject = path,
		.cause = error == -EBADMSG || error == -EMEDIUMTYPE ? cause : NULL,
		.remedy = error == -EBADMSG || error == -EMEDIUMTYPE ? remedy : NULL,
	});
}

static int write_html(const char *path, const struct html_inputs *inputs)
{
	const char *source = NULL;
	int error = report_html(path, inputs, &source);

	if (!error)
		return KTAX_EXIT_FINE;
	if (source)
		return recording_refuse(source, error);
	return error_print(
		&(struct failure){ .error = error, .subject = path, .doing = "write the report" });
}

static int print_html(const struct report_arguments *arguments, const struct report *report)
{
	json_t *ab = NULL, *decision = NULL;
	int exit_code = read_document(arguments->ab, "ktax.ab/1", "ab", &ab);

	if (!exit_code)
		exit_code =
			read_document(arguments->decision, "ktax.decision/1", "decide", &decision);
	if (!exit_code)
		exit_code =
			write_html(arguments->html, &(struct html_inputs){ report, decision, ab });
	json_decref(ab);
	json_decref(decision);
	return exit_code;
}

static int report_print(const struct report_arguments *arguments, const struct report *report)
{
	struct terminal terminal;

	if (!shows_any(report))
		return refuse_endpoint(report);
	if (arguments->hlog)
		return print_hlog(arguments, report);
	if (arguments->requests)
		return print_requests(report);
	if (arguments->html)
		return print_html(arguments, report);
	if (arguments->json)
		return print_json(report);
	terminal = terminal_init(stdout, arguments->color);
	report_text(&terminal, report);
	return KTAX_EXIT_FINE;
}

static int report_recording(const struct report_arguments *arguments,
                            const struct recording *recording)
{
	struct findings *findings = NULL;
	int exit_code, error = findings_create(recording, &findings);

	if (!error)
		error = recording_find_rates(findings);
	if (error)
		exit_code = error_print(&(struct failure){ .error = error,
		                                           .subject = recording->sources[0],
		                                           .doing = "analyze the recording" });
	else
		exit_code =
			report_print(arguments, &(struct report){ findings, arguments->endpoint });
	findings_free(findings);
	return exit_code;
}

static int report_run(int argc, char **argv)
{
	struct report_arguments arguments = { 0 };
	struct recording *recording;
	size_t failed = 0;
	int exit_code, error;

	if (report_parse(argc, argv, &arguments, &exit_code))
		return exit_code;
	if (!arguments.n_files)
		return error_usage("report", "name a recording");
	if (arguments.json + arguments.requests + (arguments.hlog != NULL) +
	            (arguments.html != NULL) >
	    1)
		return error_usage("report", "choose one of --json, --hlog, --html and --requests");
	if (!arguments.html && (arguments.ab || arguments.decision))
		return error_usage("report", "--ab and --decision go with --html");
	error = recording_read(arguments.files, arguments.n_files, &recording, &failed);
	if (error)
		return recording_refuse(arguments.files[failed], error);
	exit_code = report_recording(&arguments, recording);
	recording_free(recording);
	return exit_code;
}

const struct command command_report = {
	.name = "report",
	.run = report_run,
	.summary = "show where each request's time went",
	.operands = "FILE...",
	.description =
		"Reads recordings and shows, per endpoint: a headline; the total's percentiles; "
		"the four-way summary (NIC, kernel stack, serialization, application); every "
		"account of the ledger with its share, mean, percentiles, its share of the slowest "
		"1 % of the requests and the hook that fed it; what requests are made of by band "
		"of their total; and what would remain of them with a tuned kernel, and with "
		"bypass. Then losses, and what ktax itself cost.\n\n"
		"Means and shares are exact and add up to the total. An account that nothing could "
		"see is listed with the reason, and is never shown as 0. The user and kernel parts "
		"of application time are sampled and come with a 95 % interval. A bucket that lies "
		"across the border of two bands is split in proportion.\n\n"
		"--html writes one file that needs nothing else: the same figures and plots of them, "
		"light or dark as the reader prefers, fit to print (docs/html.md).\n\n"
		"Several recordings are merged, endpoint by endpoint.",
	.options = report_options,
	.examples = "  ktax report redis.ktax\n"
		    "  ktax report --json redis.ktax | jq '.endpoints[0].summary.kernel.share'\n"
		    "  ktax report --html redis.html --ab ab.json redis.ktax\n"
		    "  ktax report --hlog logs monday.ktax tuesday.ktax\n",
};
