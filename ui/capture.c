// SPDX-License-Identifier: GPL-2.0
/* `ktax capture`: traffic of an interface, for ktax ab to send again. */
#include "capture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "error.h"
#include "format.h"
#include "terminal.h"

enum { OPTION_PAYLOAD = OPTION_LONG_ONLY };

static const struct option_row capture_options[] = {
	{ 'i', "interface", "NAME", "capture on this interface (ip link lists them)" },
	{ 'o', "output", "FILE", "write to FILE (default: ktax.pcap)" },
	{ 'f', "force", NULL, "overwrite FILE if it exists" },
	{ 'd', "duration", "TIME",
	  "stop after TIME, such as 30 (seconds), 500ms or 10m; default: at Ctrl-C" },
	{ 'c', "count", "N", "stop after N packets" },
	{ OPTION_PAYLOAD, "payload", NULL,
	  "keep the payload too; default: headers, sizes and times" },
	{ 0 },
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	stop = signal;
}

static int parse_option(struct capture_options *capture, const struct options *options, int option)
{
	switch (option) {
	case 'i':
		capture->interface = options->value;
		return KTAX_EXIT_FINE;
	case 'o':
		if (!*options->value)
			return options_bad_value(options, "a file");
		capture->output = options->value;
		return KTAX_EXIT_FINE;
	case 'f':
		capture->overwrite = true;
		return KTAX_EXIT_FINE;
	case 'd':
		if (option_duration(options->value, &capture->duration_ns) < 0 ||
		    !capture->duration_ns)
			return options_bad_value(options,
			                         "a length of time, e.g. 30, 500ms or 10m");
		return KTAX_EXIT_FINE;
	case 'c':
		if (option_integer(options->value, 1, INT64_MAX, &capture->packets) < 0)
			return options_bad_value(options, "a number of packets");
		return KTAX_EXIT_FINE;
	default:
		capture->payload = true;
		return KTAX_EXIT_FINE;
	}
}

/* -1 to go on, or the exit code. */
static int parse(struct capture_options *capture, int argc, char **argv)
{
	struct options options;
	int option, result;

	options_begin(&options, &command_capture, argc, argv);
	while ((option = options_next(&options)) > 0) {
		result = parse_option(capture, &options, option);
		if (result)
			return result;
	}
	if (option < 0)
		return options.exit_code;
	if (options.n_operands > 1)
		return error_usage("capture", "one filter is expected, in quotes, not also '%s'",
		                   options.operands[1]);
	if (!capture->interface)
		return error_usage("capture", "which interface? name it with -i");
	capture->filter = options.n_operands ? options.operands[0] : NULL;
	return -1;
}

/* ---- Progress ----------------------------------------------------------------------------- */

struct progress {
	bool live; /* stderr is a terminal */
	uint64_t shown_ns;
};

static bool show_progress(void *context, const struct capture_counts *counts)
{
	struct progress *progress = context;

	if (!progress->live || counts->elapsed_ns < progress->shown_ns + 500000000)
		return !stop;
	progress->shown_ns = counts->elapsed_ns;
	fprintf(stderr, "\r\033[K%.0f s  %s packets  %s bytes  lost %s", counts->elapsed_ns / 1e9,
	        format_count(counts->packets).text, format_count(counts->bytes).text,
	        format_count(counts->lost).text);
	fflush(stderr);
	return !stop;
}

static void summarize(const struct capture_options *capture, const struct capture_counts *counts)
{
	error_note("%s: %s packets of %s bytes in %.1f s, %s lost", capture->output,
	           format_count(counts->packets).text, format_count(counts->bytes).text,
	           counts->elapsed_ns / 1e9,
	           counts->lost ? format_count(counts->lost).text : "none");
	if (!counts->packets)
		error_note("nothing matched on %s; is there traffic, and is the filter right?",
		           capture->interface);
}

/* ---- Running ------------------------------------------------------------------------------ */

static int report_failure(const struct capture_options *capture, enum capture_stage stage, int err,
                          const char *why)
{
	struct failure failure = { .error = err, .cause = why };

	switch (stage) {
	case CAPTURE_INTERFACE:
		failure.subject = capture->interface;
		failure.doing = "capture";
		failure.remedy = err == -EPERM    ? "run it as root"
		                 : err == -ENODEV ? "see ip link"
		                                  : NULL;
		break;
	case CAPTURE_FILTER:
		return error_usage("capture", "filter '%s': %s (see pcap-filter(7))",
		                   capture->filter, why);
	case CAPTURE_FILE:
		failure.subject = capture->output;
		failure.doing = "write it";
		failure.remedy = err == -EEXIST ? "choose another file with -o, or overwrite it "
		                                  "with --force"
		                                : NULL;
		break;
	}
	return error_print(&failure);
}

static int run(const struct capture_options *capture)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct capture_counts counts = { 0 };
	struct progress *progress = capture->context;
	enum capture_stage stage = CAPTURE_INTERFACE;
	char why[512] = "";
	int err;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a gone reader of stderr must not cut the capture short */
	err = capture_run(capture, &counts, &stage, why, sizeof(why));
	if (progress->live && progress->shown_ns)
		fputs("\r\033[K", stderr);
	if (!err || counts.packets)
		summarize(capture, &counts);
	return err ? report_failure(capture, stage, err, why) : KTAX_EXIT_FINE;
}

static int capture_command(int argc, char **argv)
{
	struct progress progress = { .live = isatty(STDERR_FILENO) };
	struct capture_options capture = {
		.output = "ktax.pcap",
		.progress = show_progress,
		.context = &progress,
	};
	int result = parse(&capture, argc, argv);

	return result >= 0 ? result : run(&capture);
}

const struct command command_capture = {
	.name = "capture",
	.run = capture_command,
	.summary = "capture traffic for ktax ab to send again",
	.operands = "[FILTER]",
	.description =
		"Writes the packets of an interface that match FILTER (see pcap-filter(7); all of them "
		"without one) to a pcap file. Of each packet the headers, the size and the time in "
		"nanoseconds are kept, and no payload: of what is not UDP, the first 34 bytes. Packets "
		"for which there was no room are counted as lost.\n\n"
		"Capture both directions, so that 'ktax ab --trace FILE' can tell requests from "
		"responses. Needs CAP_NET_RAW, and gives up all capabilities once the interface and the "
		"file are open. The file is complete at any end but a kill -9.",
	.options = capture_options,
	.examples = "  ktax capture -i eth0 'udp port 7000' -o md.pcap\n"
		    "  ktax capture -i eth0 -d 1m -c 100000 'udp dst port 7000' -o md.pcap\n",
};
