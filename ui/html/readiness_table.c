// SPDX-License-Identifier: GPL-2.0
/* What `ktax doctor` found when the recording began: out of its meta `readiness`. */
#include <stdlib.h>

#include "readiness.h"
#include "sections.h"

static void put_status(struct html *html, enum readiness_status status)
{
	static const char *const classes[READINESS_NSTATUS] = {
		[READINESS_OK] = "good-text",
		[READINESS_WARN] = "warn-text",
		[READINESS_FAIL] = "bad-text",
		[READINESS_UNKNOWN] = "dim",
	};

	html_put(html, "<td class=\"words\"><span class=\"%s\">%s</span></td>", classes[status],
	         readiness_status_name[status]);
}

static void put_fix(struct html *html, const char *fix)
{
	html_put(html, "<td class=\"words\">");
	if (fix[0])
		html_element(html, "code", NULL, "%s", fix);
	html_put(html, "</td>");
}

static void put_row(struct html *html, const struct readiness_row *row)
{
	html_put(html, "<tr>");
	html_th(html, "%s", row->check);
	put_status(html, row->status);
	html_td_words(html, "%s", row->found);
	html_td_words(html, "%s", row->want);
	html_td_words(html, "%s", row->why);
	put_fix(html, row->fix);
	html_put(html, "</tr>\n");
}

static void put_table(struct html *html, const struct readiness *readiness)
{
	char caption[128];

	snprintf(caption, sizeof(caption), "Checks of the host%s%.15s%s%.31s; n = %zu checks",
	         readiness->interface[0] ? ", interface " : "", readiness->interface,
	         readiness->driver[0] ? ", driver " : "", readiness->driver, readiness->n);
	html_table_begin(html, caption, "check|<status|<found|<wanted|<why|<fix");
	for (size_t i = 0; i < readiness->n; i++)
		put_row(html, &readiness->rows[i]);
	html_table_end(html);
}

void section_readiness(struct html *html, const struct html_model *model)
{
	const char *text = recording_meta(model->recording, "readiness");
	struct readiness *readiness;

	if (!text) {
		html_element(html, "p", "note",
		             "The recording does not hold whether its host was ready.");
		return;
	}
	readiness = malloc(sizeof(*readiness));
	if (!readiness)
		html->failed = true;
	else if (readiness_from_json(text, readiness) < 0)
		html_element(html, "p", "note", "What the recording holds of it cannot be read.");
	else
		put_table(html, readiness);
	free(readiness);
}
