// SPDX-License-Identifier: GPL-2.0
/* The order matters: isolated CPUs and the NIC's node are known before interrupts are judged. */
#include "audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define DPDK_DIRECTORIES 64

static void read_names(const struct source *source, struct host_facts *facts)
{
	struct fact_text name = source_text(source, "/proc/sys/kernel/hostname");
	struct fact_text release = source_text(source, "/proc/sys/kernel/osrelease");

	snprintf(facts->hostname, sizeof(facts->hostname), "%.64s", name.text);
	snprintf(facts->release, sizeof(facts->release), "%.64s", release.text);
	if (source->live)
		facts->superuser = fact_known(!geteuid());
}

static int choose_interface(const struct audit *audit, struct nic_facts *nic)
{
	const char *name = audit->options->interface;

	if (!name) {
		nic->default_route = !audit_default_interface(&audit->source, nic->name);
		return 0;
	}
	if (!*name || strlen(name) >= sizeof(nic->name) || strchr(name, '/') || name[0] == '.')
		return -ENODEV;
	memcpy(nic->name, name, strlen(name) + 1);
	return 0;
}

/* Debian keeps DPDK's drivers in /usr/lib/ARCH/dpdk/pmds-N, others in /usr/lib64 and the like. */
struct pmd_search {
	const struct source *source;
	const char *library, *above;
};

static int try_pmd_directory(const char *name, void *context)
{
	const struct pmd_search *search = context;

	return !strncmp(name, "pmds-", 5) && source_exists(search->source, "%s/%.64s/librte_%s.so",
	                                                   search->above, name, search->library)
	                                             .value;
}

static struct fact find_pmd(const struct source *source, const char *library)
{
	static const char *const above[] = {
		"/usr/lib/x86_64-linux-gnu/dpdk",
		"/usr/lib/aarch64-linux-gnu/dpdk",
		"/usr/lib64/dpdk",
		"/usr/local/lib/x86_64-linux-gnu/dpdk",
		"/usr/local/lib/aarch64-linux-gnu/dpdk",
		"/usr/local/lib64/dpdk",
	};

	if (!library)
		return fact_error(-ENOENT);
	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		struct pmd_search search = { source, library, above[i] };

		if (source_each(source, DPDK_DIRECTORIES, try_pmd_directory, &search, "%s",
		                above[i]) > 0)
			return fact_known(1);
	}
	return fact_known(0);
}

static void read_all(struct audit *audit, struct host_facts *facts)
{
	const struct audit_options *options = audit->options;

	audit_cpu(audit, &facts->cpu);
	if (facts->nic.name[0]) {
		audit_nic_irqs(audit, &facts->nic);
		if (options->pmd_library)
			facts->nic.pmd_installed = find_pmd(
				&audit->source, options->pmd_library(facts->nic.driver.text));
	}
	audit_memory(audit, &facts->memory);
	audit_kernel(audit, &facts->kernel);
	audit_process(audit, &facts->process);
	audit_services(audit, &facts->service);
}

int audit_read(const struct audit_options *options, struct host_facts *ret)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	struct host_facts *facts = calloc(1, sizeof(*facts));
	int err = audit && facts ? 0 : -ENOMEM;

	if (!err) {
		audit->source.root = options->root ? options->root : "";
		audit->source.live = !options->root;
		audit->options = options;
		read_names(&audit->source, facts);
		err = choose_interface(audit, &facts->nic);
	}
	if (!err && facts->nic.name[0])
		err = audit_nic(audit, &facts->nic);
	if (!err) {
		read_all(audit, facts);
		*ret = *facts;
	}
	free(facts);
	free(audit);
	return err;
}
