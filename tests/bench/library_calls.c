/* SPDX-License-Identifier: GPL-2.0 */
/*
 * By dlopen(), so that neither headers nor libraries are needed to build, and what is missing is
 * left out. One object at a time: prepare() makes what the next call() works on.
 */
#include "library_calls.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>

#include <zlib.h>

static void *object;  /* what the call at hand works on */
static void *context; /* of an SSL object */
static void *tokener;
static int (*call_ssl)(void *ssl, void *buffer, int n);
static int (*call_ssl_ex)(void *ssl, void *buffer, size_t n, size_t *ret_n);
static ssize_t (*call_gnutls)(void *session, void *buffer, size_t n);
static const char *(*call_json_c_write)(void *json, int flags, size_t *length);
static void *(*call_json_c_parse)(void *tokener, const char *text, int length);
static char *(*call_jansson_dumps)(void *json, size_t flags);
static size_t (*call_jansson_dumpb)(void *json, char *to, size_t size, size_t flags);
static void (*call_snappy)(const char *in, size_t n, char *out, size_t *ret_n);
static int (*put_json_c)(void *json);
static z_stream stream;
static int (*call_deflate)(z_stream *stream, int flush);

static char buffer[256];

static void do_ssl(void)
{
	call_ssl(object, buffer, 16);
}

static void do_ssl_ex(void)
{
	size_t n;

	call_ssl_ex(object, buffer, 16, &n);
}

static void do_gnutls(void)
{
	call_gnutls(object, buffer, 16);
}

static void do_json_c_write(void)
{
	size_t length;

	call_json_c_write(object, 0, &length);
}

static void do_json_c_parse(void)
{
	put_json_c(call_json_c_parse(tokener, "{\"a\":1}", 8));
}

static void do_jansson(void)
{
	free(call_jansson_dumps(object, 0));
}

static void do_jansson_buffer(void)
{
	call_jansson_dumpb(object, buffer, sizeof(buffer), 0);
}

static void do_deflate(void)
{
	stream.next_in = (unsigned char *)buffer;
	stream.avail_in = 1;
	stream.next_out = (unsigned char *)buffer + 64;
	stream.avail_out = 64;
	call_deflate(&stream, Z_NO_FLUSH);
}

static void do_snappy(void)
{
	size_t n = 128;

	call_snappy(buffer, 32, buffer + 64, &n);
}

static void *symbol(const char *library, const char *name)
{
	void *handle = dlopen(library, RTLD_NOW);

	return handle ? dlsym(handle, name) : NULL;
}

/* Calls the destructor @name of @library. */
static void release(const char *library, const char *name, void *what)
{
	void (*destroy)(void *) = symbol(library, name);

	if (destroy)
		destroy(what);
}

/* A session without a handshake: the calls fail, after entering and leaving as all do. */
static bool prepare_ssl(const char *name)
{
	void *(*method)(void) = symbol("libssl.so.3", "TLS_client_method");
	void *(*context_new)(void *) = symbol("libssl.so.3", "SSL_CTX_new");
	void *(*ssl_new)(void *) = symbol("libssl.so.3", "SSL_new");

	call_ssl = symbol("libssl.so.3", name);
	call_ssl_ex = symbol("libssl.so.3", name);
	if (!call_ssl || !method || !context_new || !ssl_new)
		return false;
	context = context_new(method());
	object = ssl_new(context);
	return true;
}

static void finish_ssl(void)
{
	release("libssl.so.3", "SSL_free", object);
	release("libssl.so.3", "SSL_CTX_free", context);
}

static bool prepare_gnutls(const char *name)
{
	int (*init)(void **, unsigned int) = symbol("libgnutls.so.30", "gnutls_init");

	call_gnutls = symbol("libgnutls.so.30", name);
	object = NULL;
	return call_gnutls && init && !init(&object, 2);
}

static void finish_gnutls(void)
{
	release("libgnutls.so.30", "gnutls_deinit", object);
}

static bool prepare_json_c(const char *name)
{
	void *(*tokener_new)(void) = symbol("libjson-c.so.5", "json_tokener_new");
	void *(*parse)(const char *) = symbol("libjson-c.so.5", "json_tokener_parse");

	call_json_c_write = symbol("libjson-c.so.5", "json_object_to_json_string_length");
	call_json_c_parse = symbol("libjson-c.so.5", "json_tokener_parse_ex");
	put_json_c = symbol("libjson-c.so.5", "json_object_put");
	if (!tokener_new || !parse)
		return false;
	object = parse("{\"a\":[1,2,3]}");
	tokener = tokener_new();
	return true;
}

static void finish_json_c(void)
{
	put_json_c(object);
	release("libjson-c.so.5", "json_tokener_free", tokener);
}

static bool prepare_jansson(const char *name)
{
	void *(*loads)(const char *, size_t, void *) = symbol("libjansson.so.4", "json_loads");

	call_jansson_dumps = symbol("libjansson.so.4", "json_dumps");
	call_jansson_dumpb = symbol("libjansson.so.4", "json_dumpb");
	object = loads ? loads("{\"a\":[1,2,3]}", 0, NULL) : NULL;
	return object;
}

static void finish_jansson(void)
{
	release("libjansson.so.4", "json_delete", object);
}

static bool prepare_zlib(const char *name)
{
	int (*init)(z_stream *, int, const char *, int) = symbol("libz.so.1", "deflateInit_");

	call_deflate = symbol("libz.so.1", name);
	return init && init(&stream, 1, ZLIB_VERSION, sizeof(stream)) == Z_OK;
}

static void finish_zlib(void)
{
	release("libz.so.1", "deflateEnd", &stream);
}

static bool prepare_snappy(const char *name)
{
	call_snappy = symbol("libsnappy.so.1", name);
	return call_snappy;
}

static void finish_nothing(void)
{
}

const struct library_call library_calls[] = {
	{ "openssl:SSL_read", "SSL_read", prepare_ssl, do_ssl, finish_ssl },
	{ "openssl:SSL_write", "SSL_write", prepare_ssl, do_ssl, finish_ssl },
	{ "openssl:SSL_read_ex", "SSL_read_ex", prepare_ssl, do_ssl_ex, finish_ssl },
	{ "openssl:SSL_write_ex", "SSL_write_ex", prepare_ssl, do_ssl_ex, finish_ssl },
	{ "gnutls:gnutls_record_recv", "gnutls_record_recv", prepare_gnutls, do_gnutls,
	  finish_gnutls },
	{ "gnutls:gnutls_record_send2", "gnutls_record_send", prepare_gnutls, do_gnutls,
	  finish_gnutls },
	{ "json-c:json_object_to_json_string_length", "json_object_to_json_string_length",
	  prepare_json_c, do_json_c_write, finish_json_c },
	{ "json-c:json_tokener_parse_ex", "json_tokener_parse_ex", prepare_json_c, do_json_c_parse,
	  finish_json_c },
	{ "jansson:json_dumps", "json_dumps", prepare_jansson, do_jansson, finish_jansson },
	{ "jansson:json_dumpb", "json_dumpb", prepare_jansson, do_jansson_buffer, finish_jansson },
	{ "zlib:deflate", "deflate", prepare_zlib, do_deflate, finish_zlib },
	{ "snappy:_ZN6snappy8CompressEPNS_6SourceEPNS_4SinkE", "_ZN6snappy11RawCompressEPKcmPcPm",
	  prepare_snappy, do_snappy, finish_nothing },
};

const size_t library_calls_n = sizeof(library_calls) / sizeof(library_calls[0]);
