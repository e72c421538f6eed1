// SPDX-License-Identifier: GPL-2.0
/* http://HOST[:PORT][/PATH], where HOST may be [IPv6]. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "target.h"

static int resolve(const char *host, const char *port, struct target *target)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	if (getaddrinfo(host, port, &hints, &found))
		return -EHOSTUNREACH;
	memcpy(&target->address, found->ai_addr, found->ai_addrlen);
	target->address_length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

/* Splits "HOST:PORT" in place; the port is behind the last colon outside of brackets. */
static int split_and_resolve(char *host, struct target *target)
{
	char *bracket = strrchr(host, ']');
	char *colon = strrchr(bracket ? bracket : host, ':');
	const char *port = "80";

	if (colon) {
		*colon = '\0';
		port = colon + 1;
	}
	if (host[0] == '[' && bracket) {
		*bracket = '\0';
		host++;
	}
	return resolve(host, port, target);
}

int target_parse(const char *url, struct target *ret_target)
{
	static const char scheme[] = "http://";
	char host[TARGET_HOST_MAX];
	size_t length;

	if (strncmp(url, scheme, strlen(scheme)) != 0)
		return -EINVAL;
	url += strlen(scheme);
	length = strcspn(url, "/");
	if (!length || length >= sizeof(host) || strlen(url + length) >= TARGET_PATH_MAX)
		return -EINVAL;
	memcpy(host, url, length);
	host[length] = '\0';
	memcpy(ret_target->host, host, length + 1);
	snprintf(ret_target->path, TARGET_PATH_MAX, "%s", url[length] ? url + length : "/");
	return split_and_resolve(host, ret_target);
}
