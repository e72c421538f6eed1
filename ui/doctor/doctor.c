// SPDX-License-Identifier: GPL-2.0
/* `ktax doctor`: is this host ready for what one would have it do? */
#include "doctor.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "commands.h"
#include "error.h"
#include "driver_table.h"

enum {
	OPTION_IFACE = OPTION_LONG_ONLY,
	OPTION_PATH,
	OPTION_ALL,
	OPTION_JSON,
	OPTION_COLOR,
	OPTION_NO_COLOR,
};

static const struct option_row doctor_options[] = {
	{ OPTION_IFACE, "iface", "NAME", "the interface (that of the default route)" },
	{ OPTION_PATH, "path", "kernel|af_xdp|dpdk|record",
	  "only what concerns this path, or the recording of requests; exit 5 if it cannot run "
	  "here at all" },
	{ .help = "Output:" },
	{ OPTION_ALL, "all", NULL, "show what is fine, too, and why each thing is checked" },
	{ OPTION_JSON, "json", "FILE", "write JSON (ktax.doctor/1), - for standard output" },
	{ OPTION_COLOR, "color", "auto|always|never", "colours: by default on a terminal only" },
	{ OPTION_NO_COLOR, "no-color", NULL, "the same as --color never" },
	{ 0 },
};

struct doctor_arguments {
	const char *interface, *json;
	unsigned concerns; /* 0: --path was not given */
	bool all;
	enum color_when color;
};

/* ---- The command line ------------------------------------------------------------------------ */

static unsigned concern_of(const char *path)
{
	static const char *const names[] = { "kernel", "af_xdp", "dpdk", "record" };

	for (int i = 0; i < READINESS_NCONCERNS; i++)
		if (!strcmp(path, names[i]))
			return 1U << i;
	return 0;
}

/* What the value of @option should have been, NULL if it is fine. */
static const char *take(struct doctor_arguments *arguments, int option, const char *value)
{
	switch (option) {
	case OPTION_IFACE:
		arguments->interface = value;
		break;
	case OPTION_PATH:
		arguments->concerns = concern_of(value);
		return arguments->concerns ? NULL : "kernel, af_xdp, dpdk or record";
	case OPTION_ALL:
		arguments->all = true;
		break;
	case OPTION_JSON:
		arguments->json = value;
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
static int parse(int argc, char **argv, struct doctor_arguments *arguments, int *ret_exit)
{
	struct options options;
	const char *expected;
	int option;

	options_begin(&options, &command_doctor, argc, argv);
	while ((option = options_next(&options)) > 0) {
		expected = take(arguments, option, options.value);
		if (!expected)
			continue;
		*ret_exit = options_bad_value(&options, expected);
		return 1;
	}
	*ret_exit = options.exit_code;
	if (option < 0)
		return 1;
	if (!options.n_operands)
		return 0;
	*ret_exit = error_usage("doctor", "unexpected '%s'", options.operands[0]);
	return 1;
}

/* ---- Looking --------------------------------------------------------------------------------- */

int doctor_examine(const char *interface, struct readiness **ret)
{
	struct audit_options options = { .interface = interface, .pmd_library = nic_driver_pmd };
	struct host_facts *facts = malloc(sizeof(*facts));
	struct readiness *readiness = malloc(sizeof(*readiness));
	int err = facts && readiness ? audit_read(&options, facts) : -ENOMEM;

	if (!err)
		readiness_evaluate(facts, readiness);
	free(facts);
	if (err)
		free(readiness);
	else
		*ret = readiness;
	return err;
}

char *doctor_readiness_json(void)
{
	struct readiness *readiness;
	char *text;

	if (doctor_examine(NULL, &readiness))
		return NULL;
	text = readiness_to_json(readiness);
	free(readiness);
	return text;
}

static int refuse_interface(const char *name)
{
	struct if_nameindex *all = if_nameindex();
	char remedy[512] = "see 'ip link'";
	size_t length = 0;

	for (struct if_nameindex *one = all; one && one->if_index && length < sizeof(remedy); one++)
		length += (size_t)snprintf(remedy + length, sizeof(remedy) - length, "%s%s",
		                           length ? ", " : "there are ", one->if_name);
	if_freenameindex(all);
	return error_print(&(struct failure){ .subject = name,
	                                      .doing = "look at it",
	                                      .cause = "there is no interface of that name",
	                                      .remedy = remedy });
}

/* ---- Output ---------------------------------------------------------------------------------- */

static int print_json(const struct readiness *readiness, const char *path)
{
	bool to_stdout = !strcmp(path, "-");
	FILE *file = to_stdout ? stdout : fopen(path, "we");
	char *text = readiness_to_json(readiness);
	int error = file ? text ? 0 : -ENOMEM : -errno;

	/* What does not reach standard output is noticed by main(). */
	if (!error && fprintf(file, "%s\n", text) < 0)
		error = -EIO;
	if (file && !to_stdout && fclose(file) && !error)
		error = -errno;
	free(text);
	return error ? error_print(&(struct failure){
			       .error = error, .subject = path, .doing = "write JSON" })
	             : 0;
}

static int print(const struct doctor_arguments *arguments, struct readiness *readiness)
{
	unsigned asked = arguments->concerns ? arguments->concerns : READINESS_ALL;
	bool blocked = readiness_blocked(readiness, arguments->concerns);
	struct terminal terminal = terminal_init(stdout, arguments->color);
	int exit_code = 0;

	readiness_keep(readiness, asked);
	if (arguments->json)
		exit_code = print_json(readiness, arguments->json);
	if (!arguments->json || strcmp(arguments->json, "-") != 0)
		doctor_text(&terminal, readiness, asked, arguments->all);
	if (exit_code)
		return exit_code;
	return blocked ? KTAX_EXIT_UNSUPPORTED : KTAX_EXIT_FINE;
}

static int doctor_run(int argc, char **argv)
{
	struct doctor_arguments arguments = { 0 };
	struct readiness *readiness;
	int exit_code, err;

	if (parse(argc, argv, &arguments, &exit_code))
		return exit_code;
	err = doctor_examine(arguments.interface, &readiness);
	if (err == -ENODEV)
		return refuse_interface(arguments.interface);
	if (err)
		return error_print(&(struct failure){ .error = err, .doing = "look at this host" });
	exit_code = print(&arguments, readiness);
	free(readiness);
	return exit_code;
}

const struct command command_doctor = {
	.name = "doctor",
	.run = doctor_run,
	.summary = "say whether this host is ready for a tuned kernel, AF_XDP or DPDK",
	.description =
		"Looks at an interface and its driver, queues and interrupts, CPUs, memory, the "
		"kernel and the permissions of this process, and says of each thing what was "
		"found, what is wanted, why, and the command that gets there. Nothing is "
		"changed.\n\n"
		"A check is ok, warn (it works, but costs latency, cores or trust), fail (what "
		"depends on it does not work, or not as it should) or unknown, with the reason why "
		"it could not be done. Without root some are.\n\n"
		"With --path the exit status is 5 if that path cannot run on this host at all, "
		"otherwise 0. 'ktax record' keeps what the doctor finds in the recording.",
	.options = doctor_options,
	.examples =
		"  sudo ktax doctor\n"
		"  sudo ktax doctor --path af_xdp --iface eth1\n"
		"  sudo ktax doctor --json - | jq -r '.checks[] | select(.status == \"fail\") | "
		".fix'\n",
};
