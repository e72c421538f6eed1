// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_pass INTERFACE: has a program that passes everything on an interface until it is ended. A
 * veth forwards what an XDP program at its other end transmits only then.
 */
#include <stdio.h>
#include <unistd.h>

#include "xdp_attach.h"

int main(int argc, char **argv)
{
	char why[256] = "usage: xdp_pass INTERFACE";
	int link = argc == 2 ? xdp_attach_pass(argv[1], why, sizeof(why)) : -1;

	if (link < 0) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
