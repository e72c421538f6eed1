// SPDX-License-Identifier: GPL-2.0
/*
 * A change's line is written by one write(2) before the change is made. A line that is cut short
 * (the run was killed within) is of a change that was not made. Restoring twice does no harm, so
 * the file is emptied once all is restored and not before.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change.h"
#include "interface.h"
#include "ip_batch.h"
#include "link.h"
#include "napi.h"
#include "sentence.h"

#define FILE_MOST   (1 << 20)
#define CHANGES_MAX 4096
#define REBOUND_MAX 2  /* ports of a plan */
#define LOCK_TRIES  30 /* of 100 ms: responders outlive a killed run by moments */
#define BOOT_ID     "/proc/sys/kernel/random/boot_id"

struct journal {
	int fd;
	pid_t owner;
	char path[128];
};

static struct journal *at_exit;

/* ---- Who writes it ------------------------------------------------------------------------ */

struct writer {
	int pid;
	unsigned long long start; /* ticks since boot */
	char boot[40];
};

/* When @pid was started, 0: there is no such process, or it is a zombie. */
static unsigned long long start_of(int pid)
{
	unsigned long long start = 0;
	char path[64], text[1024] = "", state, *rest;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	rest = strrchr(text, ')'); /* the name before it may be anything */
	if (!rest || sscanf(rest,
	                    ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
	                    "%*d %*d %llu",
	                    &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

static bool is_alive(const struct writer *writer)
{
	unsigned long long start = start_of(writer->pid);

	return start && start == writer->start;
}

static void read_boot_id(char boot[40])
{
	char value[CHANGE_VALUE_MAX];

	snprintf(boot, 40, "%.39s", change_read_file(BOOT_ID, value) ? "-" : value);
}

static bool read_writer(const char *text, struct writer *writer)
{
	return sscanf(text, "ktax-ab 1 %d %llu %39s", &writer->pid, &writer->start, writer->boot) ==
	       3;
}

static int write_header(struct journal *journal)
{
	char line[128], boot[40];
	int length;

	read_boot_id(boot);
	length = snprintf(line, sizeof(line), "ktax-ab 1 %d %llu %s\n", getpid(),
	                  start_of(getpid()), boot);
	if (ftruncate(journal->fd, 0) || write(journal->fd, line, length) != length)
		return errno ? -errno : -EIO;
	return 0;
}

/* ---- Restoring ---------------------------------------------------------------------------- */

/* Fields end with a tab, the last one with the line. */
static bool take_field(char **rest, char *field, size_t size)
{
	char *at = strsep(rest, "\t");

	if (!*rest || !at || strlen(at) >= size)
		return false;
	strcpy(field, at);
	return true;
}

static bool parse_change(char *line, struct change *change)
{
	char kind[16], inode[24], index[16], *rest = line;

	*change = (struct change){};
	if (!take_field(&rest, kind, sizeof(kind)) || !take_field(&rest, inode, sizeof(inode)) ||
	    !take_field(&rest, change->interface, sizeof(change->interface)) ||
	    !take_field(&rest, index, sizeof(index)) ||
	    !take_field(&rest, change->what, sizeof(change->what)) ||
	    strlen(rest) >= sizeof(change->value))
		return false;
	strcpy(change->value, rest);
	change->kind = change_kind_by_name(kind);
	change->namespace = strtoull(inode, NULL, 10);
	change->index = strtoul(index, NULL, 10);
	return change->kind;
}

/* Interfaces whose driver has been restored, and which have another index since. */
struct rebound {
	struct {
		uint64_t namespace;
		char interface[16];
	} port[REBOUND_MAX];
	size_t n;
};

static void note_rebound(struct rebound *rebound, const struct change *change)
{
	if (rebound->n == REBOUND_MAX)
		return;
	rebound->port[rebound->n].namespace = change->namespace;
	strcpy(rebound->port[rebound->n++].interface, change->interface);
}

/* Is the interface the one that was changed? */
static bool is_same(const struct rebound *rebound, const struct change *change)
{
	if (!change->index || if_nametoindex(change->interface) == change->index)
		return true;
	for (size_t i = 0; i < rebound->n; i++)
		if (rebound->port[i].namespace == change->namespace &&
		    !strcmp(rebound->port[i].interface, change->interface))
			return true;
	return false;
}

/* In the change's namespace. */
static int restore_here(const struct change *change, struct rebound *rebound)
{
	int err = is_same(rebound, change) || change->kind == &change_driver
	                  ? change->kind->restore(change)
	                  : 0;

	if (change->kind == &change_driver && err >= 0)
		note_rebound(rebound, change);
	return err == -ENODEV ? 0 : err;
}

/*
 * What the change was made on may be gone, and with it the change. But a NIC is not gone with the
 * namespace of its interface: it goes back to the kernel in the host's.
 */
static int restore_change(const struct change *change, struct rebound *rebound)
{
	int ns = namespace_find(change->namespace), home, err;

	if (ns < 0)
		return change->kind == &change_driver ? restore_here(change, rebound) : 0;
	home = namespace_visit(ns);
	close(ns);
	if (home < 0)
		return home;
	err = restore_here(change, rebound);
	namespace_leave(home);
	return err;
}

/* Splits @text after its header into lines that are complete; returns their number. */
static size_t split(char *text, char **lines, size_t most)
{
	char *line = strchr(text, '\n'), *end;
	size_t n = 0;

	for (; line && n < most && (end = strchr(line + 1, '\n')); line = end) {
		*end = '\0';
		lines[n++] = line + 1;
	}
	return n;
}

static int restore_lines(const struct journal *journal, char **lines, size_t n,
                         size_t *ret_restored, char *why, size_t why_size)
{
	struct rebound rebound = {};
	struct change change;
	int err, first = 0;

	while (n--) {
		if (!parse_change(lines[n], &change)) {
			if (!first)
				first = sentence(why, why_size, -EBADMSG,
				                 "%s is damaged: put back by hand what it lists, "
				                 "and remove it",
				                 journal->path);
			continue;
		}
		err = restore_change(&change, &rebound);
		if (err < 0 && !first)
			first = sentence(why, why_size, err,
			                 "cannot restore %s %s of %s to \"%s\": %s (it is listed "
			                 "in %s)",
			                 change.kind->name, change.what, change.interface,
			                 change.value, strerror(-err), journal->path);
		if (!err)
			++*ret_restored;
	}
	return first;
}

static char *read_all(int fd)
{
	char *text = malloc(FILE_MOST);
	ssize_t n = text ? pread(fd, text, FILE_MOST - 1, 0) : -1;

	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

/* Of this boot: all that it lists is gone with an earlier one. */
static bool is_of_now(const struct writer *writer)
{
	char boot[40];

	read_boot_id(boot);
	return !strcmp(boot, writer->boot);
}

/* Restores what the file lists, and empties it. */
static int restore(struct journal *journal, size_t *ret_restored, char *why, size_t why_size)
{
	char *text = read_all(journal->fd);
	char **lines = calloc(CHANGES_MAX, sizeof(*lines));
	struct writer writer;
	int err = 0;

	*ret_restored = 0;
	if (!text || !lines)
		err = sentence(why, why_size, -EIO, "cannot read %s", journal->path);
	else if (!strchr(text, '\n')) /* killed before its first change */
		text[0] = '\0';
	else if (!read_writer(text, &writer))
		err = sentence(why, why_size, -EBADMSG, "%s is not a journal of ktax ab",
		               journal->path);
	else if (is_of_now(&writer))
		err = restore_lines(journal, lines, split(text, lines, CHANGES_MAX), ret_restored,
		                    why, why_size);
	if (!err && ftruncate(journal->fd, 0))
		err = sentence(why, why_size, -errno, "cannot empty %s: %s", journal->path,
		               strerror(errno));
	free(lines);
	free(text);
	return err;
}

/* ---- Opening and closing ------------------------------------------------------------------ */

static int refuse_second(const struct journal *journal, char *why, size_t why_size)
{
	struct writer writer = {};
	char *text = read_all(journal->fd);
	bool known = text && read_writer(text, &writer);

	free(text);
	if (known)
		return sentence(why, why_size, -EBUSY,
		                "another run is under way (process %d), and two would disturb each "
		                "other's figures: wait until it has ended",
		                writer.pid);
	return sentence(why, why_size, -EBUSY, "another run is under way");
}

/* The lock's holder may be a run that is gone but for its responders: they end, too. */
static int lock(const struct journal *journal, char *why, size_t why_size)
{
	for (int i = 0; flock(journal->fd, LOCK_EX | LOCK_NB); i++) {
		struct writer writer;
		char *text;
		bool alive;

		if (errno != EWOULDBLOCK && errno != EINTR)
			return sentence(why, why_size, -errno, "cannot lock %s: %s", journal->path,
			                strerror(errno));
		text = read_all(journal->fd);
		alive = text && read_writer(text, &writer) && is_alive(&writer);
		free(text);
		if (alive || i == LOCK_TRIES)
			return refuse_second(journal, why, why_size);
		usleep(100000);
	}
	return 0;
}

static int open_file(struct journal *journal, const char *directory, char *why, size_t why_size)
{
	struct stat status;

	snprintf(journal->path, sizeof(journal->path), "%s/ab.journal", directory);
	if (mkdir(directory, 0755) && errno != EEXIST)
		return sentence(why, why_size, -errno, "cannot make %s: %s", directory,
		                strerror(errno));
	journal->fd =
		open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->fd < 0)
		return sentence(why, why_size, -errno, "cannot open %s: %s", journal->path,
		                strerror(errno));
	/* What it says will be done, with the rights of who reads it. */
	if (fstat(journal->fd, &status) || status.st_uid != geteuid() || status.st_mode & 022)
		return sentence(why, why_size, -EPERM, "%s can be written by others: remove it",
		                journal->path);
	return 0;
}

static void give_up(struct journal *journal)
{
	if (at_exit == journal)
		at_exit = NULL;
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal);
}

int journal_open(struct journal **ret_journal, const char *directory, size_t *ret_restored,
                 char *why, size_t why_size)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int err;

	if (!journal)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	*journal = (struct journal){ .fd = -1, .owner = getpid() };
	err = open_file(journal, directory, why, why_size);
	if (!err)
		err = lock(journal, why, why_size);
	if (!err)
		err = restore(journal, ret_restored, why, why_size);
	if (!err && write_header(journal))
		err = sentence(why, why_size, -errno, "cannot write %s: %s", journal->path,
		               strerror(errno));
	if (err) {
		give_up(journal);
		return err;
	}
	*ret_journal = journal;
	return 0;
}

int journal_close(struct journal *journal, char *why, size_t why_size)
{
	size_t restored;
	int err;

	if (!journal)
		return 0;
	err = restore(journal, &restored, why, why_size);
	give_up(journal);
	return err;
}

static void close_at_exit(void)
{
	if (at_exit && at_exit->owner == getpid())
		journal_close(at_exit, NULL, 0);
}

int journal_close_at_exit(struct journal *journal)
{
	at_exit = journal;
	return atexit(close_at_exit) ? -ENOMEM : 0;
}

/* ---- Changes ------------------------------------------------------------------------------ */

/* All of the line or nothing, so that the next one begins on a line of its own. */
static int append(struct journal *journal, const struct change *change)
{
	char line[CHANGE_WHAT_MAX + CHANGE_VALUE_MAX + 128];
	int length = snprintf(line, sizeof(line), "%s\t%llu\t%s\t%u\t%s\t%s\n", change->kind->name,
	                      (unsigned long long)change->namespace, change->interface,
	                      change->index, change->what, change->value);
	off_t before = lseek(journal->fd, 0, SEEK_END);

	if (length >= (int)sizeof(line) || strpbrk(change->what, "\t\n"))
		return -EINVAL;
	if (write(journal->fd, line, length) == length)
		return 0;
	return ftruncate(journal->fd, before) ? -EIO : -ENOSPC;
}

/* In the namespace already. */
static int note_here(struct journal *journal, const struct change_kind *kind, const char *interface,
                     const char *what, int ns)
{
	struct change change = { .kind = kind, .namespace = namespace_inode(ns) };
	int err;

	if (strlen(interface) >= sizeof(change.interface) || strlen(what) >= sizeof(change.what))
		return -ENAMETOOLONG;
	strcpy(change.interface, interface);
	strcpy(change.what, what);
	if (strcmp(interface, "-") != 0) {
		change.index = if_nametoindex(interface);
		if (!change.index)
			return -ENODEV;
	}
	err = kind->save(&change);
	return err ? err : append(journal, &change);
}

/* Writes a change down, then makes it by @apply (NULL: the caller does). */
static int make_change(struct journal *journal, const struct port *port,
                       const struct change_kind *kind, const char *what,
                       int (*apply)(const char *interface, const char *what, const char *value),
                       const char *value)
{
	const char *interface = port && port->interface[0] ? port->interface : "-";
	int ns = port ? port_open_namespace(port) : link_here(), home, err;

	if (ns < 0)
		return ns;
	home = namespace_visit(ns);
	if (home < 0) {
		close(ns);
		return home;
	}
	err = journal ? note_here(journal, kind, interface, what, ns) : 0;
	if (!err && apply)
		err = apply(interface, what, value);
	namespace_leave(home);
	close(ns);
	return err;
}

static int apply_file(const char *interface, const char *what, const char *value)
{
	return change_write_file(what, value);
}

int journal_set_file(struct journal *journal, const struct port *port, const char *path,
                     const char *value, char *why, size_t why_size)
{
	int err = make_change(journal, port, &change_file, path, apply_file, value);

	if (err)
		return sentence(why, why_size, err, "cannot set %s to %s: %s", path, value,
		                strerror(-err));
	return 0;
}

int journal_note_features(struct journal *journal, const struct port *port, char *why,
                          size_t why_size)
{
	int err = make_change(journal, port, &change_features, "-", NULL, NULL);

	if (err && err != -EOPNOTSUPP)
		return sentence(why, why_size, err, "cannot read the features of %s: %s",
		                port->interface, strerror(-err));
	return 0;
}

/* Each may be one that the driver does not have. */
static int apply_offloads(const char *interface, const char *what, const char *value)
{
	static const uint32_t offloads[] = { ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO };
	int err = 0;

	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]) && !err; i++) {
		struct ethtool_value off = { .cmd = offloads[i] };

		err = interface_ethtool(interface, &off);
		if (err == -EOPNOTSUPP)
			err = 0;
	}
	return err;
}

int journal_set_offloads_off(struct journal *journal, const struct port *port, char *why,
                             size_t why_size)
{
	int err = make_change(journal, port, &change_features, "-", apply_offloads, NULL);

	if (err)
		return sentence(why, why_size, err, "cannot switch off the offloads of %s: %s",
		                port->interface, strerror(-err));
	return 0;
}

static int apply_one_channel(const char *interface, const char *what, const char *value)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int err = interface_ethtool(interface, &channels);

	if (err)
		return err;
	channels.cmd = ETHTOOL_SCHANNELS;
	if (channels.combined_count) {
		channels.combined_count = 1;
		channels.rx_count = channels.tx_count = 0;
	} else {
		channels.rx_count = channels.tx_count = 1;
	}
	return interface_ethtool(interface, &channels);
}

/* A driver that cannot tell has one. */
int journal_set_one_channel(struct journal *journal, const struct port *port, char *why,
                            size_t why_size)
{
	int err = make_change(journal, port, &change_channels, "-", apply_one_channel, NULL);

	if (err && err != -EOPNOTSUPP)
		return sentence(why, why_size, err, "cannot set %s to one queue: %s",
		                port->interface, strerror(-err));
	return 0;
}

static int apply_up(const char *interface, const char *what, const char *value)
{
	char command[64];
	int home = link_here(), err;

	if (home < 0)
		return home;
	snprintf(command, sizeof(command), "link set dev %s up\n", interface);
	err = ip_batch(home, home, command, NULL, 0);
	close(home);
	return err;
}

int journal_set_up(struct journal *journal, const struct port *port, char *why, size_t why_size)
{
	int err = make_change(journal, port, &change_flags, "-", apply_up, NULL);

	if (err)
		return sentence(why, why_size, err, "cannot set %s up: %s", port->interface,
		                strerror(-err));
	return 0;
}

/* In the port's namespace. */
static int note_instances(struct journal *journal, const char *interface, int ns)
{
	struct napi_instance instances[NAPI_MAX];
	int n = napi_list(interface, instances, NAPI_MAX), err = n < 0 ? n : 0;
	char position[16];

	for (int i = 0; i < n && !err; i++) {
		snprintf(position, sizeof(position), "%d", i);
		err = note_here(journal, &change_napi, interface, position, ns);
	}
	return err;
}

int journal_note_napi(struct journal *journal, const struct port *port, char *why, size_t why_size)
{
	int ns = journal ? port_open_namespace(port) : 0, home, err = ns;

	if (journal && ns >= 0) {
		home = namespace_visit(ns);
		err = home < 0 ? home : note_instances(journal, port->interface, ns);
		if (home >= 0)
			namespace_leave(home);
		close(ns);
	}
	if (err && err != -EOPNOTSUPP)
		return sentence(why, why_size, err, "cannot read the NAPI settings of %s: %s",
		                port->interface, strerror(-err));
	return 0;
}

int journal_note_address(struct journal *journal, const struct port *port, const char *address,
                         const char *neighbour, char *why, size_t why_size)
{
	int err = make_change(journal, port, &change_address, address, NULL, NULL);

	if (!err)
		err = make_change(journal, port, &change_neighbour, neighbour, NULL, NULL);
	if (err)
		return sentence(why, why_size, err, "cannot journal an address of %s: %s",
		                port->interface, strerror(-err));
	return 0;
}

int journal_note_directory(struct journal *journal, const char *path)
{
	int err = make_change(journal, NULL, &change_directory, path, NULL, NULL);

	return err == -EEXIST ? 0 : err;
}

int journal_note_xdp(struct journal *journal, const struct port *port, char *why, size_t why_size)
{
	int err = make_change(journal, port, &change_xdp, "-", NULL, NULL);

	if (err == -EEXIST)
		return sentence(
			why, why_size, -EBUSY,
			"%s has an XDP program already: detach it first (ip link set %s xdp "
			"off)",
			port->interface, port->interface);
	if (err)
		return sentence(why, why_size, err, "cannot tell whether %s has an XDP program: %s",
		                port->interface, strerror(-err));
	return 0;
}

int journal_note_driver(struct journal *journal, const struct port *port, char *why,
                        size_t why_size)
{
	int err = make_change(journal, port, &change_driver, "-", NULL, NULL);

	if (err)
		return sentence(why, why_size, err, "cannot journal the driver of %s: %s",
		                port->interface, strerror(-err));
	return 0;
}
