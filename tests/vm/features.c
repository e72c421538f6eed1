// SPDX-License-Identifier: GPL-2.0
/*
 * features.c - which kinds of BPF hooks work on the kernel that runs here.
 *
 *	features OBJECT...
 *
 * Each object is compiled from features.bpf.c for one hook. It is loaded and attached, a TCP
 * exchange over loopback makes it fire, and its counter is read. Prints one test line per hook.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Sends one byte over a TCP connection of the loopback interface. Returns 0 or -1. */
static int tcp_exchange(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int server = -1, ret = -1;
	char byte = 'x';

	if (!bind(listener, (struct sockaddr *)&addr, length) && !listen(listener, 1) &&
	    !getsockname(listener, (struct sockaddr *)&addr, &length) &&
	    !connect(client, (struct sockaddr *)&addr, length)) {
		server = accept(listener, NULL, NULL);
		if (write(client, &byte, 1) == 1 && read(server, &byte, 1) == 1)
			ret = 0;
	}
	close(server);
	close(client);
	close(listener);
	return ret;
}

/* How often the program of a loaded object has run. */
static uint64_t fired(struct bpf_object *object)
{
	struct bpf_map *bss = bpf_object__next_map(object, NULL);
	uint64_t count = 0;
	uint32_t key = 0;

	bpf_map_lookup_elem(bpf_map__fd(bss), &key, &count);
	return count;
}

/* Loads, attaches and triggers one object. Returns what failed, or NULL. */
static const char *try_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_link *link = NULL;
	const char *failure = NULL;

	if (!object)
		return "does not open";
	if (bpf_object__load(object))
		failure = "does not load";
	else if (!(link = bpf_program__attach(bpf_object__next_program(object, NULL))))
		failure = "does not attach";
	else if (tcp_exchange())
		failure = "could not be triggered";
	else if (!fired(object))
		failure = "never fired";
	bpf_link__destroy(link);
	bpf_object__close(object);
	return failure;
}

int main(int argc, char **argv)
{
	struct utsname host;
	int failures = 0;

	uname(&host);
	for (int i = 1; i < argc; i++) {
		const char *failure = try_object(argv[i]);

		printf("%sok - %s loads, attaches and fires on %s%s%s\n", failure ? "not " : "",
		       basename(argv[i]), host.release, failure ? " # it " : "",
		       failure ? failure : "");
		failures += failure != NULL;
	}
	return failures != 0;
}
