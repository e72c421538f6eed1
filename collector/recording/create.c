/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Creating the file of a recording.
 *
 * The schema is written to a temporary name that then takes the place of the real one: a file of
 * that name is a recording from its first moment, and of two recorders only one gets it. An flock()
 * on the file, held until it is closed, keeps another recorder from replacing it meanwhile.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char schema[] = {
#include "schema.inc"
};

int create_schema(sqlite3 *db)
{
	int error = sql_exec(db, "PRAGMA synchronous = NORMAL; BEGIN");

	if (!error)
		error = sql_exec(db, schema);
	return error ? error : sql_exec(db, "COMMIT");
}

static int write_schema(const char *path)
{
	sqlite3 *db;
	int error = sql_open(path, SQLITE_OPEN_READWRITE, &db);

	if (!error)
		error = create_schema(db);
	sqlite3_close(db);
	return error;
}

/* An id from the environment that sudo sets, or -1. */
static long sudo_id(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long id;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	id = strtol(text, &end, 10);
	return errno || *end || id >= UINT32_MAX ? -1 : id;
}

/*
 * A recording made through sudo belongs to who called sudo: what root must record, its user may
 * read, move and delete. SQLite gives its journals the owner of the database.
 */
static int give_to_sudo_user(int fd)
{
	long uid = sudo_id("SUDO_UID"), gid = sudo_id("SUDO_GID");

	if (geteuid() != 0 || uid < 0 || gid < 0)
		return 0;
	/* File systems without owners (FAT, some network ones) cannot, and need not. */
	if (fchown(fd, (uid_t)uid, (gid_t)gid) && errno != EPERM && errno != EOPNOTSUPP)
		return -errno;
	return 0;
}

static int check_target(const char *path, bool overwrite)
{
	struct stat status;
	int fd, error = 0;

	if (lstat(path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!overwrite)
		return -EEXIST;
	/* Replacing /dev/null or a socket by a file is never what was meant. */
	if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return 0; /* a symbolic link, or a file that only its directory protects */
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		error = -EBUSY;
	close(fd);
	return error;
}

/* A journal of an older file of this name would be "rolled back" into the new one. */
static void remove_leftovers(const char *path)
{
	static const char *const suffixes[] = { "-journal", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *name;

		if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
			continue;
		unlink(name);
		free(name);
	}
}

static int rename_to_free_name(const char *from, const char *path)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* A file system without RENAME_NOREPLACE. */
	if (link(from, path))
		return -errno;
	unlink(from);
	return 0;
}

static int move_into_place(const char *from, const char *path, bool overwrite)
{
	int error;

	if (overwrite)
		error = rename(from, path) ? -errno : 0;
	else
		error = rename_to_free_name(from, path);
	/* Only now is the name ours; before, the journal might be that of a live recorder. */
	if (!error)
		remove_leftovers(path);
	return error;
}

/* Creates the file at @temporary, locked and owned as it will be, and moves it to @path. */
static int create_at(const char *path, const char *temporary, bool overwrite, int *ret_fd)
{
	int fd, error;

	unlink(temporary); /* of a process with our id that was killed */
	fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	error = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK ? -EBUSY : 0;
	if (!error)
		error = give_to_sudo_user(fd);
	if (!error)
		error = write_schema(temporary);
	if (!error)
		error = move_into_place(temporary, path, overwrite);
	if (error) {
		close(fd);
		remove_leftovers(temporary);
		unlink(temporary);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int create_file(const char *path, bool overwrite, int *ret_fd)
{
	char *temporary;
	int error = check_target(path, overwrite);

	if (error)
		return error;
	if (asprintf(&temporary, "%s.%ld.tmp", path, (long)getpid()) < 0)
		return -ENOMEM;
	error = create_at(path, temporary, overwrite, ret_fd);
	free(temporary);
	return error;
}
