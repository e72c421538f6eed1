// SPDX-License-Identifier: GPL-2.0
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link.h"

int port_open_namespace(const struct port *port)
{
	char path[sizeof("/run/netns/") + sizeof(port->namespace)];
	int ns;

	if (!port->namespace[0])
		return link_here();
	snprintf(path, sizeof(path), "/run/netns/%s", port->namespace);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	return ns < 0 ? -errno : ns;
}

uint64_t namespace_inode(int ns)
{
	struct stat status;

	return fstat(ns, &status) ? 0 : status.st_ino;
}

/* Opens @path if it is the namespace of @inode. */
static int open_if(const char *path, uint64_t inode)
{
	int ns = open(path, O_RDONLY | O_CLOEXEC);

	if (ns >= 0 && namespace_inode(ns) == inode)
		return ns;
	if (ns >= 0)
		close(ns);
	return -ENOENT;
}

int namespace_find(uint64_t inode)
{
	int ns = open_if("/proc/thread-self/ns/net", inode);
	glob_t found = {};

	if (ns >= 0)
		return ns;
	glob("/run/netns/*", 0, NULL, &found);
	glob("/proc/[0-9]*/ns/net", found.gl_pathc ? GLOB_APPEND : 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && ns < 0; i++)
		ns = open_if(found.gl_pathv[i], inode);
	globfree(&found);
	return ns;
}

int namespace_visit(int ns)
{
	int home = link_here(), err;

	if (home < 0)
		return home;
	err = link_enter(ns);
	if (!err)
		return home;
	close(home);
	return err;
}

void namespace_leave(int home)
{
	link_enter(home);
	close(home);
}
