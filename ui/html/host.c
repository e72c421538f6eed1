// SPDX-License-Identifier: GPL-2.0
/* The fingerprint of the host, and how it was recorded. */
#include <stdlib.h>

#include "sections.h"

static void put_fact(struct html *html, const char *name, const char *value)
{
	html_put(html, "<tr>");
	html_th(html, "%s", name);
	html_td_words(html, "%s", value ? value : "unknown");
	html_put(html, value ? "</tr>\n" : "</tr>\n");
}

static void put_memory(struct html *html, const char *bytes)
{
	char text[32];

	if (!bytes)
		return;
	snprintf(text, sizeof(text), "%.1f GiB", strtod(bytes, NULL) / (1 << 30));
	put_fact(html, "memory", text);
}

static void put_meta(struct html *html, const struct recording *recording,
                     const char *const (*keys)[2])
{
	for (; (*keys)[0]; keys++)
		put_fact(html, (*keys)[1], recording_meta(recording, (*keys)[0]));
}

static void put_sources(struct html *html, const struct recording *recording)
{
	for (size_t i = 0; i < recording->n_sources; i++) {
		html_put(html, "<tr>");
		html_th(html, recording->n_sources > 1 ? "file %zu" : "file", i + 1);
		html_put(html, "<td class=\"words\"><code>");
		html_text(html, "%s", recording->sources[i]);
		html_put(html, "</code></td></tr>\n");
	}
}

void section_host(struct html *html, const struct html_model *model)
{
	static const char *const host[][2] = { { "hostname", "name" },
		                               { "kernel", "Linux" },
		                               { "arch", "architecture" },
		                               { "cpu_model", "CPU" },
		                               { "cpus", "CPUs" },
		                               { "clocksource", "clock source" },
		                               { "mitigations", "mitigations" },
		                               { "governor", "frequency governor" },
		                               { "virtualization", "virtual machine" },
		                               { NULL, NULL } };
	static const char *const how[][2] = { { "ktax_version", "ktax" },
		                              { "created", "created" },
		                              { "command", "command" },
		                              { "detail", "hook set" },
		                              { "hooks", "hook family" },
		                              { "requests_sampling", "single requests" },
		                              { "budget_pct", "budget, per cent of the CPUs" },
		                              { NULL, NULL } };
	const struct recording *recording = model->recording;

	html_table_begin(html, "The host that was recorded", "fact|<value");
	put_meta(html, recording, host);
	put_memory(html, recording_meta(recording, "memory_bytes"));
	html_table_end(html);
	html_table_begin(html, "The recording", "fact|<value");
	put_sources(html, recording);
	put_meta(html, recording, how);
	html_table_end(html);
}
