/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What writing and reading have in common: SQLite's errors as errno, and opening.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the operating system said last; @fallback where SQLite did not ask it. */
static int system_errno(sqlite3 *db, int fallback)
{
	int error = db ? sqlite3_system_errno(db) : 0;

	return error > 0 ? -error : fallback;
}

static int ioerr_errno(sqlite3 *db)
{
	int extended = db ? sqlite3_extended_errcode(db) : SQLITE_IOERR;

	/* The file ends before what its header says. */
	if (extended == SQLITE_IOERR_SHORT_READ)
		return -EBADMSG;
	return extended == SQLITE_IOERR_NOMEM ? -ENOMEM : system_errno(db, -EIO);
}

static int readonly_errno(sqlite3 *db)
{
	int extended = db ? sqlite3_extended_errcode(db) : SQLITE_READONLY;

	return extended == SQLITE_READONLY_DBMOVED ? -ESTALE : -EROFS;
}

int sql_errno(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_READONLY:
		return readonly_errno(db);
	case SQLITE_IOERR:
		return ioerr_errno(db);
	case SQLITE_CANTOPEN:
		return system_errno(db, -EIO);
	case SQLITE_CONSTRAINT:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return -EINVAL;
	case SQLITE_NOTADB:
		return -EMEDIUMTYPE;
	default:
		/* Damaged, or (SQLITE_ERROR) a table is of another kind than it should be. */
		return -EBADMSG;
	}
}

int sql_exec(sqlite3 *db, const char *sql)
{
	return sql_errno(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int sql_open(const char *path, int flags, sqlite3 **ret_db)
{
	/* "", ":memory:" and "file:..." have a meaning of their own to SQLite. */
	char *name = sqlite3_mprintf("%s%s", path[0] == '/' ? "" : "./", path);
	int rc;

	*ret_db = NULL;
	if (!name)
		return -ENOMEM;
	rc = sqlite3_open_v2(name, ret_db, flags, NULL);
	sqlite3_free(name);
	if (!rc)
		sqlite3_extended_result_codes(*ret_db, 1);
	return sql_errno(*ret_db, rc);
}

void text_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}
