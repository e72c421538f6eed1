// SPDX-License-Identifier: GPL-2.0
/*
 * ktax-sample-load: the client side of the samples.
 *
 *	main       options, messages
 *	 target    the URL, resolved
 *	 mix       the requests as bytes, and the choice among them
 *	 load      the schedule: what is due when on which connection
 *	  client   one connection: batch out, responses in; reply finds their ends
 *	 result    histograms, the log, the summary
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "load.h"

static int fail(const char *what, const char *on, int error)
{
	fprintf(stderr, "ktax-sample-load: cannot %s %s: %s.\n", what, on, strerror(-error));
	return 2;
}

static int usage(const char *text, const char *on)
{
	fprintf(stderr, "ktax-sample-load: %s: %s.\n", on, text);
	return 1;
}

static int open_target(const struct load_options *options, struct target *target)
{
	int error = target_parse(options->url, target);

	if (error == -EINVAL)
		return usage("not a URL like http://127.0.0.1:8080/items?n=50", options->url);
	return error ? fail("resolve", options->url, error) : 0;
}

static int open_mix(const struct load_options *options, const struct target *target,
                    struct mix *mix)
{
	unsigned int line = 0;
	int error;

	if (!options->mix) {
		error = mix_from_path(mix, target->host, target->path);
		return error ? fail("prepare", options->url, error) : 0;
	}
	error = mix_from_file(mix, target->host, options->mix, &line);
	if (error == -EBADMSG) {
		fprintf(stderr, "ktax-sample-load: %s:%u: expected WEIGHT METHOD PATH [BODY].\n",
		        options->mix, line);
		return 1;
	}
	if (error == -ENODATA)
		return usage("has no request", options->mix);
	return error ? fail("read", options->mix, error) : 0;
}

static int conclude(const struct load_options *options, const struct load_result *result, int error)
{
	if (error)
		fail("connect to", options->url, error);
	if (result->answered || !error)
		load_result_print(result, options->rate);
	if (result->records_lost)
		fprintf(stderr, "ktax-sample-load: the log lacks %llu requests (no memory).\n",
		        (unsigned long long)result->records_lost);
	if (options->log) {
		int log_error = load_result_write(result, options->log);

		if (log_error)
			return fail("write", options->log, log_error);
	}
	return error || result->not_2xx || result->disconnected || result->unanswered ? 2 : 0;
}

static int run(const struct load_options *options, const struct target *target, struct mix *mix)
{
	struct load_result result;
	int status, error = load_result_init(&result, options->log != NULL);

	if (error)
		return fail("prepare", options->url, error);
	error = load_run(options, target, mix, &result);
	status = conclude(options, &result, error);
	load_result_destroy(&result);
	return status;
}

int main(int argc, char **argv)
{
	struct load_options options;
	struct target target = { 0 };
	struct mix mix = { 0 };
	int status;

	if (load_options_parse(argc, argv, &options))
		return 1;
	if (options.help) {
		load_options_help();
		return 0;
	}
	status = open_target(&options, &target);
	if (!status)
		status = open_mix(&options, &target, &mix);
	if (!status)
		status = run(&options, &target, &mix);
	mix_destroy(&mix);
	return status;
}
