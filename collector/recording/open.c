/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opening a recording that may come from anywhere, so that nothing in it is believed: SQLite is
 * told not to run anything that the file brings along (views, triggers, functions, virtual tables),
 * and to refuse values larger than any that ktax writes.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long to wait for a recorder that is committing. */
#define BUSY_TIMEOUT_MS 5000

static int check_file(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode) || !status.st_size)
		return -EMEDIUMTYPE;
	/* Asked for here since SQLite only says that it cannot open the file. */
	return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) ? -errno : 0;
}

static int harden(sqlite3 *db)
{
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, VALUE_BYTES_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 256);
	sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	/* No mmap: a file that is truncated meanwhile must be an error and not a SIGBUS. */
	return sql_exec(db, "PRAGMA query_only = ON; PRAGMA cell_size_check = ON;"
	                    "PRAGMA mmap_size = 0");
}

static int query_number(sqlite3 *db, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (rc)
		return sql_errno(db, rc);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return sql_errno(db, rc);
}

static int check_identity(sqlite3 *db)
{
	int64_t id = 0, version = 0, tables = 0;
	int error = query_number(db, "PRAGMA application_id", &id);

	if (!error && id != RECORDING_APPLICATION_ID)
		return -EMEDIUMTYPE;
	if (!error)
		error = query_number(db, "PRAGMA user_version", &version);
	if (!error && version > RECORDING_SCHEMA_VERSION)
		return -EPROTO;
	/* Tables in name only (views, virtual tables) have no root page. */
	if (!error)
		error = query_number(db,
		                     "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
		                     "rootpage > 0 AND name IN ('meta', 'hook', 'endpoint', "
		                     "'interval', 'ledger', 'account_histogram', 'joint', "
		                     "'request')",
		                     &tables);
	/* It said that it is a ktax recording. */
	if (error == -EMEDIUMTYPE || (!error && version < 1))
		return id == RECORDING_APPLICATION_ID ? -EBADMSG : -EMEDIUMTYPE;
	return !error && tables != 8 ? -EPROTOTYPE : error;
}

/* Starts the transaction that everything is read in. */
static int begin_reading(sqlite3 *db)
{
	int error = harden(db);

	if (!error)
		error = sql_exec(db, "BEGIN");
	return error ? error : check_identity(db);
}

int reader_open(const char *path, sqlite3 **ret_db)
{
	sqlite3 *db = NULL;
	int error = check_file(path);

	if (error)
		return error;
	error = sql_open(path, SQLITE_OPEN_READONLY, &db);
	if (!error)
		error = begin_reading(db);
	if (error && sqlite3_extended_errcode(db) == SQLITE_READONLY_ROLLBACK) {
		sqlite3_close(db);
		db = NULL;
		error = rescue_open(path, &db);
		if (!error)
			error = begin_reading(db);
	}
	if (error) {
		sqlite3_close(db);
		return error;
	}
	*ret_db = db;
	return 0;
}
