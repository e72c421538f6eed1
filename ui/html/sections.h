/* SPDX-License-Identifier: GPL-2.0 */
/* The sections of the HTML report, one file each, in the order in which they appear. */
#ifndef KTAX_UI_SECTIONS_H
#define KTAX_UI_SECTIONS_H

#include "plot.h"
#include "report_html.h"

/* verdict.c: the banner of a decision. */
void section_verdict(struct html *html, const struct html_model *model);

/* Of an endpoint: who, how much, the four-way summary. */
void section_summary(struct html *html, const struct html_model *model,
                     const struct html_endpoint *endpoint);
void section_ledger(struct html *html, const struct html_model *model,
                    const struct html_endpoint *endpoint);
void section_waterfall(struct html *html, const struct html_model *model,
                       const struct html_endpoint *endpoint);
void section_bands(struct html *html, const struct html_model *model,
                   const struct html_endpoint *endpoint);
void section_curves(struct html *html, const struct html_model *model,
                    const struct html_endpoint *endpoint);
void section_multiples(struct html *html, const struct html_model *model,
                       const struct html_endpoint *endpoint);
void section_series(struct html *html, const struct html_model *model,
                    const struct html_endpoint *endpoint);

/* Of the whole recording. */
void section_ab(struct html *html, const struct html_model *model);
void section_host(struct html *html, const struct html_model *model);
void section_readiness(struct html *html, const struct html_model *model);
void section_hooks(struct html *html, const struct html_model *model);

/* shared.c */

/* Account @i is there and something was posted to it. */
bool account_shown(const struct finding_account *account);
const char *group_title(enum ktax_group group);
/* "a-NAME" */
struct formatted account_class(int account);
/* "99.97 %", of the share above: as many digits as tell it from its neighbours of a curve. */
struct formatted percentile_text(double above);
/* A legend of the accounts in the set @accounts (bits). */
void legend_put_accounts(struct html *html, unsigned int accounts);
/* A string of a JSON document, or @otherwise. */
const char *document_text(const json_t *object, const char *key, const char *otherwise);
/* A number of a JSON document (integer or real), NAN where it is absent or null. */
double document_number(const json_t *object, const char *key);

#endif
