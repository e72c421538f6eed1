/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame of a document: head, style and script, all in the one file. Its content security
 * policy allows nothing to be loaded, and no script but that one (by its hash).
 */
#ifndef KTAX_UI_PAGE_H
#define KTAX_UI_PAGE_H

#include "html.h"

/* A page is written to memory first, so that a file is whole or not there. */
struct page_file {
	FILE *file; /* to write to */
	char *text;
	size_t length;
};

int page_open(struct page_file *page); /* -ENOMEM */
/* Writes it to @path, unless @error is one; frees it in any case. Returns @error or its own. */
int page_save(struct page_file *page, const char *path, int error);

/* Up to the beginning of <body>. */
void page_begin(struct html *html, const char *title);
/* Footer, script, end. */
void page_end(struct html *html);

#endif
