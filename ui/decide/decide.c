// SPDX-License-Identifier: GPL-2.0
/* `ktax decide`: does kernel bypass pay for the recorded requests? */
#include "decide.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "error.h"
#include "recording_input.h"
#include "report_html.h"

enum {
	OPTION_POLICY = OPTION_LONG_ONLY,
	OPTION_SWEEP,
	OPTION_TRACE,
	OPTION_TRACE_PORT,
	OPTION_JSON,
	OPTION_HTML,
	OPTION_COLOR,
	OPTION_NO_COLOR
};

static const struct option_row decide_options[] = {
	{ OPTION_POLICY, "policy", "FILE", "what is worth it (see samples/policy.ini)" },
	{ 'e', "endpoint", "NAME",
	  "the endpoint whose name contains NAME, such as :6379; by default the busiest one" },
	{ OPTION_SWEEP, "sweep", "FILE",
	  "what 'ktax ab --sweep --json' wrote: how much one core carries of each path" },
	{ OPTION_TRACE, "trace", "FILE",
	  "a capture (pcap) of its traffic: how evenly packets arrive, for the cores of a path that "
	  "polls" },
	{ OPTION_TRACE_PORT, "trace-port", "PORT", "the server's port in it (the endpoint's)" },
	{ .help = "Output:" },
	{ OPTION_JSON, "json", "FILE",
	  "write JSON (ktax.decision/1, see docs/decision.schema.json); - prints it instead of the "
	  "text" },
	{ OPTION_HTML, "html", "FILE",
	  "write one self-contained HTML page to FILE: the verdict, and the recording and the A/B "
	  "with plots" },
	{ OPTION_COLOR, "color", "auto|always|never", "colours: by default on a terminal only" },
	{ OPTION_NO_COLOR, "no-color", NULL, "the same as --color never" },
	{ 0 },
};

struct arguments {
	const char *recording, *ab, *policy, *endpoint, *json, *html, *trace, *sweep;
	uint16_t trace_port; /* 0: the endpoint's */
	enum color_when color;
};

/* All that is read; what was not is NULL. */
struct evidence {
	struct policy policy;
	struct ab_document *ab;
	struct sweep_document *sweep;
	struct recording *recording;
	struct findings *findings;
	const struct finding_endpoint *endpoint;
	struct counterfactual *counterfactual;
	struct readiness *readiness;
	struct features *features;
	const char *features_why;
	struct predictability predictability;
	struct decide_capture capture;
};

/* ---- Arguments ------------------------------------------------------------------------------ */

/* -1 to go on, or the exit code. */
static int take_operands(const struct options *options, struct arguments *arguments)
{
	if (!options->n_operands)
		return error_usage("decide", "name a recording");
	if (options->n_operands > 2)
		return error_usage("decide", "unexpected argument '%s'", options->operands[2]);
	if (arguments->trace_port && !arguments->trace)
		return error_usage("decide", "--trace-port is for --trace");
	if (arguments->sweep && options->n_operands < 2)
		return error_usage("decide", "--sweep goes with an A/B: name that too");
	arguments->recording = options->operands[0];
	arguments->ab = options->n_operands > 1 ? options->operands[1] : NULL;
	return -1;
}

/* -1 to go on, or the exit code. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
	struct options options;
	uint64_t number;
	int option;

	options_begin(&options, &command_decide, argc, argv);
	while ((option = options_next(&options)) > 0) {
		switch (option) {
		case OPTION_POLICY:
			arguments->policy = options.value;
			break;
		case 'e':
			arguments->endpoint = options.value;
			break;
		case OPTION_SWEEP:
			arguments->sweep = options.value;
			break;
		case OPTION_TRACE:
			arguments->trace = options.value;
			break;
		case OPTION_TRACE_PORT:
			if (option_integer(options.value, 1, UINT16_MAX, &number) < 0)
				return options_bad_value(&options, "a port, 1 to 65535");
			arguments->trace_port = (uint16_t)number;
			break;
		case OPTION_JSON:
			arguments->json = options.value;
			break;
		case OPTION_HTML:
			arguments->html = options.value;
			break;
		case OPTION_COLOR:
			if (terminal_parse_when(options.value, &arguments->color) == 0)
				break;
			return options_bad_value(&options, "auto, always or never");
		case OPTION_NO_COLOR:
			arguments->color = COLOR_NEVER;
			break;
		}
	}
	if (option < 0)
		return options.exit_code;
	return take_operands(&options, arguments);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* -1 to go on, or the exit code. */
static int read_policy(const struct arguments *arguments, struct policy *policy)
{
	char why[512];
	int err = 0;

	*policy = policy_default;
	if (arguments->policy)
		err = policy_read(policy, arguments->policy, why, sizeof(why));
	if (err)
		return error_usage("decide", "%s", why);
	if (decision_check_policy(policy, why, sizeof(why)))
		return error_usage("decide", "%s: %s",
		                   arguments->policy ? arguments->policy : "the policy", why);
	return -1;
}

static int read_ab(const struct arguments *arguments, struct ab_document **ret)
{
	char why[512];
	int err;

	if (!arguments->ab)
		return -1;
	err = ab_document_read(arguments->ab, ret, why, sizeof(why));
	return err ? error_print(&(struct failure){ .error = err, .cause = why, .remedy = "" })
	           : -1;
}

static int read_sweep(const struct arguments *arguments, struct sweep_document **ret)
{
	char why[512];
	int err;

	if (!arguments->sweep)
		return -1;
	err = sweep_document_read(arguments->sweep, ret, why, sizeof(why));
	return err ? error_print(&(struct failure){ .error = err, .cause = why, .remedy = "" })
	           : -1;
}

static int refuse_endpoint(const struct arguments *arguments, const struct findings *findings)
{
	char remedy[256] = "it holds none";
	size_t length = strlen("it holds");

	for (size_t i = 0; i < findings->n_endpoints && length < sizeof(remedy); i++)
		length += (size_t)snprintf(remedy + length, sizeof(remedy) - length, "%s %s",
		                           i ? "," : "",
		                           findings->endpoints[i].ledger->endpoint.name);
	return error_print(&(struct failure){
		.subject = arguments->recording,
		.doing = "find an endpoint of that name",
		.cause = arguments->endpoint ? arguments->endpoint : "none has requests",
		.remedy = remedy,
	});
}

static int find_endpoint(const struct arguments *arguments, struct evidence *evidence)
{
	const struct findings *findings = evidence->findings;
	size_t matches = 0;

	for (size_t i = 0; i < findings->n_endpoints; i++) {
		const struct finding_endpoint *endpoint = &findings->endpoints[i];
		const char *name = endpoint->ledger->endpoint.name;

		if (!endpoint->ledger->requests ||
		    (arguments->endpoint && !strstr(name, arguments->endpoint)))
			continue;
		if (!matches++)
			evidence->endpoint = endpoint;
	}
	if (!matches)
		return refuse_endpoint(arguments, findings);
	if (matches > 1)
		error_note("%s: deciding for %s, the busiest of %zu endpoints; --endpoint names "
		           "another",
		           arguments->recording, evidence->endpoint->ledger->endpoint.name,
		           matches);
	return -1;
}

static int fail_analysis(const struct arguments *arguments, int err)
{
	return error_print(&(struct failure){
		.error = err, .subject = arguments->recording, .doing = "analyze the recording" });
}

static int read_recording(const struct arguments *arguments, struct evidence *evidence)
{
	const char *const paths[] = { arguments->recording };
	int err = recording_read(paths, 1, &evidence->recording, NULL), exit_code;

	if (err)
		return recording_refuse(arguments->recording, err);
	err = findings_create(evidence->recording, &evidence->findings);
	if (!err)
		err = recording_find_rates(evidence->findings);
	if (err)
		return fail_analysis(arguments, err);
	exit_code = find_endpoint(arguments, evidence);
	if (exit_code >= 0)
		return exit_code;
	err = counterfactual_create(
		evidence->recording, evidence->endpoint,
		&(struct counterfactual_options){ .confidence = evidence->policy.confidence },
		&evidence->counterfactual);
	return err ? fail_analysis(arguments, err) : -1;
}

/* What the recorder noted of its host: a decision can do without. */
static void read_host(struct evidence *evidence)
{
	const char *readiness = recording_meta(evidence->recording, "readiness");
	int err;

	evidence->readiness = calloc(1, sizeof(*evidence->readiness));
	if (evidence->readiness &&
	    (!readiness || readiness_from_json(readiness, evidence->readiness))) {
		free(evidence->readiness);
		evidence->readiness = NULL;
	}
	err = features_read(evidence->recording, &evidence->features);
	evidence->features_why = err == -ENODATA ? "the recorder did not look"
	                         : err           ? "what it noted cannot be read"
	                                         : NULL;
}

static int add_interval(const struct recording_interval *interval,
                        const struct recording_ledger *ledger, void *context)
{
	struct evidence *evidence = context;

	if (!strcmp(ledger->endpoint.name, evidence->endpoint->ledger->endpoint.name))
		predictability_add_interval(&evidence->predictability, interval, ledger->requests);
	return 0;
}

/* How evenly requests arrive, and by the hour of the day. */
static int find_predictability(const struct arguments *arguments, struct evidence *evidence)
{
	int err;

	predictability_create(evidence->endpoint->ledger->arrivals, &evidence->predictability);
	err = recording_for_each_interval(arguments->recording, add_interval, evidence);
	predictability_end_intervals(&evidence->predictability);
	return err ? fail_analysis(arguments, err) : -1;
}

static int read_all(const struct arguments *arguments, struct evidence *evidence)
{
	int exit_code = read_policy(arguments, &evidence->policy);

	if (exit_code < 0)
		exit_code = read_ab(arguments, &evidence->ab);
	if (exit_code < 0)
		exit_code = read_sweep(arguments, &evidence->sweep);
	if (exit_code < 0)
		exit_code = read_recording(arguments, evidence);
	if (exit_code < 0)
		exit_code = find_predictability(arguments, evidence);
	if (exit_code < 0 && arguments->trace)
		exit_code = decide_read_capture(arguments->trace, arguments->trace_port,
		                                evidence->endpoint->ledger->endpoint.name,
		                                &evidence->capture);
	if (exit_code < 0)
		read_host(evidence);
	return exit_code;
}

static void forget(struct evidence *evidence)
{
	features_free(evidence->features);
	free(evidence->readiness);
	counterfactual_free(evidence->counterfactual);
	findings_free(evidence->findings);
	recording_free(evidence->recording);
	sweep_document_free(evidence->sweep);
	ab_document_free(evidence->ab);
}

/* ---- Writing -------------------------------------------------------------------------------- */

static int write_json(const char *path, const struct decide_view *view)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int err = file ? decide_json(file, view) : -errno;

	if (file && file != stdout && fclose(file) && !err)
		err = -errno;
	if (!err)
		return -1;
	return error_print(
		&(struct failure){ .error = err, .subject = path, .doing = "write the JSON" });
}

static int fail_page(const char *path, const char *source, int err)
{
	if (source)
		return recording_refuse(source, err);
	return error_print(
		&(struct failure){ .error = err, .subject = path, .doing = "write the page" });
}

/* The page of `ktax report --html`, of the endpoint that the decision is for. */
static int write_html(const struct arguments *arguments, const struct evidence *evidence,
                      const struct decide_view *view)
{
	const struct report report = { evidence->findings,
		                       evidence->endpoint->ledger->endpoint.name };
	json_t *ab = NULL, *decision = NULL;
	const char *source = NULL;
	int err = decide_document(view, &decision);

	if (!err && arguments->ab)
		err = html_read_document(arguments->ab, "ktax.ab/1", &ab);
	if (!err)
		err = report_html(arguments->html, &(struct html_inputs){ &report, decision, ab },
		                  &source);
	json_decref(ab);
	json_decref(decision);
	return err ? fail_page(arguments->html, source, err) : -1;
}

static int show(const struct arguments *arguments, const struct evidence *evidence,
                const struct decide_view *view)
{
	struct terminal terminal = terminal_init(stdout, arguments->color);
	int exit_code = arguments->json ? write_json(arguments->json, view) : -1;

	if (exit_code < 0 && arguments->html)
		exit_code = write_html(arguments, evidence, view);
	if (exit_code >= 0)
		return exit_code;
	if (!arguments->json || strcmp(arguments->json, "-"))
		decide_text(&terminal, view);
	return decision_exit(view->decision->verdict);
}

/* Windows that short a queue of packets levels out; longer ones it does not. */
#define PEAK_WINDOW_NS 10000000

static double peak_per_second(const struct predictability *predictability)
{
	for (int i = 0; i < PREDICTABILITY_WINDOWS && predictability->present; i++) {
		const struct predictability_window *window = &predictability->window[i];

		if (window->window_ns == PEAK_WINDOW_NS && window->n)
			return window->peak_per_second;
	}
	return 0;
}

static int decide(const struct arguments *arguments, struct evidence *evidence)
{
	const struct decision_input input = {
		.recording = evidence->recording,
		.endpoint = evidence->endpoint,
		.counterfactual = evidence->counterfactual,
		.policy = &evidence->policy,
		.policy_path = arguments->policy,
		.ab = evidence->ab,
		.ab_path = arguments->ab,
		.sweep = evidence->sweep,
		.sweep_path = arguments->sweep,
		.readiness = evidence->readiness,
		.peak_per_second = peak_per_second(&evidence->predictability),
		.peak_window = "10 ms",
		.now_s = (double)time(NULL),
	};
	struct decide_view view = {
		.input = &input,
		.features = evidence->features,
		.features_why = evidence->features_why,
		.predictability = &evidence->predictability,
		.capture = arguments->trace ? &evidence->capture.predictability : NULL,
		.capture_source = evidence->capture.source,
	};
	struct decision *decision;
	int exit_code, err = decision_make(&input, &decision);

	if (err)
		return fail_analysis(arguments, err);
	view.decision = decision;
	exit_code = show(arguments, evidence, &view);
	decision_free(decision);
	return exit_code;
}

static int decide_run(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct evidence evidence = { 0 };
	int exit_code = parse(argc, argv, &arguments);

	if (exit_code >= 0)
		return exit_code;
	exit_code = read_all(&arguments, &evidence);
	if (exit_code < 0)
		exit_code = decide(&arguments, &evidence);
	forget(&evidence);
	return exit_code;
}

const struct command command_decide = {
	.name = "decide",
	.run = decide_run,
	.summary = "say whether kernel bypass pays for the recorded requests",
	.operands = "RECORDING [AB.json]",
	.description =
		"Joins a recording with the result of 'ktax ab --json' and says what to do: bypass "
		"the kernel (bypass-dpdk, bypass-af_xdp), tune it (tune-kernel), leave it and fix "
		"the application (fix-application), or nothing yet (not-enough-evidence), with the "
		"command that would settle it. Every reason has its figure and where that is "
		"from.\n\n"
		"With the recording alone: the ceilings, which are the most that a tuned kernel and "
		"any bypass could gain, and what each account would gain if it vanished. If even "
		"the ceiling is below what the policy needs, that decides.\n\n"
		"The exit code answers whether bypass is worth it: 0 yes, 3 no (tune-kernel and "
		"fix-application too), 4 not enough evidence.",
	.options = decide_options,
	.examples = "  ktax decide redis.ktax\n"
		    "  ktax decide redis.ktax ab.json --policy samples/policy.ini\n"
		    "  ktax decide --html redis.html redis.ktax ab.json\n"
		    "  ktax decide --json - redis.ktax ab.json | jq -r .verdict\n",
};
