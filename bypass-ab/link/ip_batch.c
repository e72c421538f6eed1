// SPDX-License-Identifier: GPL-2.0
#include "ip_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"
#include "sentence.h"

extern char **environ;

static int feed(int fd, const char *text)
{
	size_t length = strlen(text);
	ssize_t n = write(fd, text, length);

	close(fd);
	return n == (ssize_t)length ? 0 : -EIO;
}

/* What is left to read of @fd, its first line, without line end. */
static void read_line(int fd, char *line, size_t size)
{
	ssize_t n = read(fd, line, size - 1);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

/* Starts ip -batch with pipes to its input and from its messages. */
static int spawn_ip(pid_t *ret_pid, int *ret_input, int *ret_messages)
{
	char *argv[] = { "ip", "-batch", "-", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int input[2], messages[2], err;

	if (pipe2(input, O_CLOEXEC))
		return -errno;
	if (pipe2(messages, O_CLOEXEC)) {
		err = -errno;
		close(input[0]);
		close(input[1]);
		return err;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input[0], 0);
	posix_spawn_file_actions_adddup2(&actions, messages[1], 1);
	posix_spawn_file_actions_adddup2(&actions, messages[1], 2);
	/* A process group of its own: Ctrl-C must not cut short what puts things back. */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	err = -posix_spawnp(ret_pid, "ip", &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(input[0]);
	close(messages[1]);
	if (err) {
		close(input[1]);
		close(messages[0]);
		return err;
	}
	*ret_input = input[1];
	*ret_messages = messages[0];
	return 0;
}

int ip_batch(int home, int ns, const char *commands, char *why, size_t why_size)
{
	int input = -1, messages = -1, status = 0, err;
	char line[128];
	pid_t pid = -1;

	err = link_enter(ns);
	if (!err)
		err = spawn_ip(&pid, &input, &messages);
	link_enter(home);
	if (err)
		return sentence(why, why_size, err, "cannot run ip(8): install iproute2");
	err = feed(input, commands);
	read_line(messages, line, sizeof(line));
	close(messages);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (err || !WIFEXITED(status) || WEXITSTATUS(status))
		return sentence(why, why_size, -EIO, "ip(8) cannot set up the link: %s", line);
	return 0;
}
