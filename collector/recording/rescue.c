/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording whose recorder was killed within a commit has a hot journal beside it: old pages
 * that must be put back before the file makes sense. SQLite can do that only with permission to
 * write, and a reader must neither need that nor change what it was asked to read. So file and
 * journal are copied to a private folder, repaired there, and the copy's names are removed as soon
 * as it is open: nothing is left behind, even by a reader that is killed later.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A journal that ends so names another ("super") journal, which SQLite deletes after a rollback.
 * ktax writes none: here it can only be an attempt to have some file of the reader's deleted.
 */
static const unsigned char super_journal_magic[8] = {
	0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7
};

struct rescue {
	char folder[256];
	char *file, *journal; /* in it */
};

static int copy_bytes(int from, int to)
{
	static const size_t chunk = 1 << 16;
	char *buffer = malloc(chunk);
	ssize_t n = 0;
	int error = buffer ? 0 : -ENOMEM;

	while (!error && (n = read(from, buffer, chunk)) != 0) {
		if (n < 0)
			error = -errno;
		for (ssize_t done = 0, wrote; !error && done < n; done += wrote) {
			wrote = write(to, buffer + done, (size_t)(n - done));
			if (wrote < 0)
				error = -errno;
		}
	}
	free(buffer);
	return error;
}

static int check_no_super_journal(int fd)
{
	unsigned char tail[sizeof(super_journal_magic)];
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < (off_t)sizeof(tail))
		return 0;
	if (pread(fd, tail, sizeof(tail), size - (off_t)sizeof(tail)) != sizeof(tail))
		return -EIO;
	return memcmp(tail, super_journal_magic, sizeof(tail)) ? 0 : -EBADMSG;
}

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK), out, error;

	if (in < 0)
		return -errno;
	out = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	error = out < 0 ? -errno : copy_bytes(in, out);
	if (out >= 0)
		close(out);
	close(in);
	return error;
}

static int check_journal(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = check_no_super_journal(fd);
	close(fd);
	return error;
}

static int copy_recording(const struct rescue *rescue, const char *path)
{
	char *journal;
	int error;

	if (asprintf(&journal, "%s-journal", path) < 0)
		return -ENOMEM;
	error = copy_file(journal, rescue->journal);
	free(journal);
	if (!error)
		error = check_journal(rescue->journal);
	return error ? error : copy_file(path, rescue->file);
}

static int open_copy(const struct rescue *rescue, sqlite3 **ret_db)
{
	sqlite3 *db;
	int error = sql_open(rescue->file, SQLITE_OPEN_READWRITE, &db);

	/* The first look at the file is what puts the old pages back. */
	if (!error)
		error = sql_exec(db, "PRAGMA trusted_schema = OFF; PRAGMA application_id;"
		                     "SELECT count(*) FROM sqlite_master");
	if (error) {
		sqlite3_close(db);
		return error;
	}
	*ret_db = db;
	return 0;
}

static int rescue_start(struct rescue *rescue)
{
	const char *base = getenv("TMPDIR");
	int length;

	/* Not /tmp, which is often in memory: a recording of hours is large. */
	length = snprintf(rescue->folder, sizeof(rescue->folder), "%s/ktax-XXXXXX",
	                  base && *base ? base : "/var/tmp");
	if (length < 0 || (size_t)length >= sizeof(rescue->folder))
		return -ENAMETOOLONG;
	if (!mkdtemp(rescue->folder))
		return -errno;
	if (asprintf(&rescue->file, "%s/copy", rescue->folder) < 0)
		rescue->file = NULL;
	if (asprintf(&rescue->journal, "%s/copy-journal", rescue->folder) < 0)
		rescue->journal = NULL;
	return rescue->file && rescue->journal ? 0 : -ENOMEM;
}

static void rescue_end(struct rescue *rescue)
{
	if (rescue->file)
		unlink(rescue->file);
	if (rescue->journal)
		unlink(rescue->journal);
	rmdir(rescue->folder);
	free(rescue->file);
	free(rescue->journal);
}

int rescue_open(const char *path, sqlite3 **ret_db)
{
	struct rescue rescue = { 0 };
	int error = rescue_start(&rescue);

	if (!error)
		error = copy_recording(&rescue, path);
	if (!error)
		error = open_copy(&rescue, ret_db);
	rescue_end(&rescue);
	return error;
}
