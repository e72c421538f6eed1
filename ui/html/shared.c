// SPDX-License-Identifier: GPL-2.0
/* What several sections need. */
#include <math.h>

#include "sections.h"

bool account_shown(const struct finding_account *account)
{
	return account->present && (account->part.share > 0 || account->p99_ns > 0);
}

const char *group_title(enum ktax_group group)
{
	static const char *const titles[KTAX_NGROUPS] = { "NIC", "kernel stack", "serialization",
		                                          "application" };

	return titles[group];
}

struct formatted account_class(int account)
{
	struct formatted class;

	snprintf(class.text, sizeof(class.text), "a-%.40s", ktax_account_info[account].name);
	return class;
}

struct formatted percentile_text(double above)
{
	struct formatted formatted;

	snprintf(formatted.text, sizeof(formatted.text), "%.*f %%", (int)ceil(-log10(above) - 1e-9),
	         100 * (1 - above));
	return formatted;
}

void legend_put_accounts(struct html *html, unsigned int accounts)
{
	struct legend_entry entries[KTAX_NACCOUNTS];
	struct formatted classes[KTAX_NACCOUNTS];
	size_t n = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		if (!(accounts & KTAX_ACCOUNT_BIT(i)))
			continue;
		classes[n] = account_class(i);
		entries[n] = (struct legend_entry){ classes[n].text, ktax_account_info[i].name };
		n++;
	}
	legend_put(html, entries, n);
}

const char *document_text(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

double document_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}
