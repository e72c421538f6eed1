// SPDX-License-Identifier: GPL-2.0
#include "page.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char style[] = {
#include "page.css.inc"
};

static const char script[] = {
#include "page.js.inc"
};

/* As a content security policy names a script: its SHA-256 in base64. */
static void put_script_hash(struct html *html)
{
	unsigned char hash[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	if (!EVP_Digest(script, strlen(script), hash, &length, EVP_sha256(), NULL)) {
		html->failed = true;
		return;
	}
	EVP_EncodeBlock(text, hash, (int)length);
	html_put(html, "'sha256-%s'", (const char *)text);
}

void page_begin(struct html *html, const char *title)
{
	html_put(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	               "style-src 'unsafe-inline'; script-src ");
	put_script_hash(html);
	html_put(html,
	         "; base-uri 'none'; form-action 'none'\">\n"
	         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	         "<meta name=\"generator\" content=\"ktax %s\">\n",
	         KTAX_VERSION);
	html_element(html, "title", NULL, "%s", title);
	html_put(html,
	         "<style>\n%s</style>\n</head>\n<body>\n"
	         "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n",
	         style);
}

void page_end(struct html *html)
{
	html_put(html,
	         "<footer><p>Written by ktax %s. Times are of CLOCK_MONOTONIC; ns, µs, ms and s "
	         "are multiples of 1000. Point at a plot, or focus it and press the arrow keys, "
	         "for exact figures.</p></footer>\n<script>%s</script>\n</body>\n</html>\n",
	         KTAX_VERSION, script);
}

int page_open(struct page_file *page)
{
	*page = (struct page_file){ 0 };
	page->file = open_memstream(&page->text, &page->length);
	return page->file ? 0 : -ENOMEM;
}

static int save(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "we");
	int error;

	if (!file)
		return -errno;
	errno = EIO;
	error = fwrite(text, 1, length, file) == length ? 0 : -errno;
	errno = EIO;
	if (fclose(file) && !error)
		error = -errno;
	return error;
}

int page_save(struct page_file *page, const char *path, int error)
{
	if (fclose(page->file) && !error)
		error = -ENOMEM;
	if (!error)
		error = save(path, page->text, page->length);
	free(page->text);
	return error;
}
