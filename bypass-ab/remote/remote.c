// SPDX-License-Identifier: GPL-2.0
#include "remote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "remote_message.h"
#include "sentence.h"

#define WORDS_MAX        32
#define ANSWER_MS        30000 /* opening a path and settling take the longest */
#define TAKE_NIC_MS      90000
#define LEAVE_MS         90000 /* a NIC may have to be given back */
#define END_COMMAND_MS   5000
#define END_COMMAND_STEP 10

extern char **environ;

struct remote {
	int fd; /* the command's standard input and output */
	pid_t pid;
	bool broken; /* an answer has not come: nothing that comes now can be told from it */
	char command[REMOTE_COMMAND_MAX];
	struct remote_host host;
};

/* ---- The command ---------------------------------------------------------------------------- */

/* @text is cut into its words, with room for two more and NULL; 0: too many. */
static size_t split(char *text, char *words[WORDS_MAX])
{
	size_t n = 0;

	for (char *rest, *word = strtok_r(text, " \t", &rest); word;
	     word = strtok_r(NULL, " \t", &rest)) {
		if (n == WORDS_MAX - 3)
			return 0;
		words[n++] = word;
	}
	return n;
}

/*
 * An interrupt from the terminal is this process' business: the command is to end when it is told
 * to, and its host was restored.
 */
static int spawn(const char *command, int fd, pid_t *ret_pid)
{
	char text[REMOTE_COMMAND_MAX], *words[WORDS_MAX];
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	size_t n;
	int err;

	snprintf(text, sizeof(text), "%s", command);
	n = split(text, words);
	if (!n)
		return -E2BIG;
	words[n] = "ab";
	words[n + 1] = "--responder";
	words[n + 2] = NULL;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	sigaction(SIGINT, &ignore, &before);
	err = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, environ);
	sigaction(SIGINT, &before, NULL);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -err;
}

/* Waits for it, and ends it if it does not by itself; its status as waitpid has it, or -1. */
static int end_command(struct remote *remote)
{
	int status = -1;

	shutdown(remote->fd, SHUT_RDWR);
	for (int ms = 0; ms < END_COMMAND_MS; ms += END_COMMAND_STEP) {
		if (waitpid(remote->pid, &status, WNOHANG) == remote->pid)
			return status;
		usleep(END_COMMAND_STEP * 1000);
	}
	kill(remote->pid, SIGTERM);
	usleep(100000);
	kill(remote->pid, SIGKILL);
	waitpid(remote->pid, NULL, 0);
	return -1;
}

/* ---- Asking --------------------------------------------------------------------------------- */

/* 0: something has come, or the end has. */
static int wait_for_answer(const struct remote *remote, int timeout_ms)
{
	struct pollfd poll_for = { .fd = remote->fd, .events = POLLIN };
	struct timespec now, end;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	do {
		n = poll(&poll_for, 1, 1000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((!n || (n < 0 && errno == EINTR)) && now.tv_sec < end.tv_sec);
	return n > 0 ? 0 : -ETIMEDOUT;
}

static int lose(struct remote *remote, int err, char *why, size_t why_size)
{
	remote->broken = true;
	return sentence(why, why_size, err,
	                "the responder's host %s does not answer any more (%s); what it has not "
	                "restored by itself, `ktax ab --cleanup` restores there",
	                remote->host.name, remote->command);
}

static int await(struct remote *remote, struct remote_answer *answer, int timeout_ms, char *why,
                 size_t why_size)
{
	int err = wait_for_answer(remote, timeout_ms);

	if (!err)
		err = remote_receive(remote->fd, answer, sizeof(*answer));
	if (err)
		return lose(remote, err, why, why_size);
	answer->why[sizeof(answer->why) - 1] = '\0';
	if (!answer->err)
		return 0;
	return sentence(why, why_size, answer->err, "%s: %s", remote->host.name,
	                answer->why[0] ? answer->why : strerror(-answer->err));
}

/* @extra: what follows the request, or NULL. */
static int ask_with(struct remote *remote, const struct remote_request *request, const void *extra,
                    size_t extra_size, struct remote_answer *answer, int timeout_ms, char *why,
                    size_t why_size)
{
	int err = remote->broken ? -EPIPE : remote_send(remote->fd, request, sizeof(*request));

	if (!err && extra)
		err = remote_send(remote->fd, extra, extra_size);
	return err ? lose(remote, err, why, why_size)
	           : await(remote, answer, timeout_ms, why, why_size);
}

static int ask(struct remote *remote, const struct remote_request *request,
               struct remote_answer *answer, char *why, size_t why_size)
{
	return ask_with(remote, request, NULL, 0, answer, ANSWER_MS, why, why_size);
}

/* Without an answer but whether it has worked. */
static int tell(struct remote *remote, const struct remote_request *request, char *why,
                size_t why_size)
{
	struct remote_answer unused;

	return ask(remote, request, &unused, why, why_size);
}

/* ---- Opening and closing -------------------------------------------------------------------- */

/* The hello, for as long as it takes; what comes instead is for people. */
static int receive_hello(struct remote *remote, struct remote_hello *hello)
{
	struct pollfd poll_for = { .fd = remote->fd, .events = POLLIN };
	char *at = (char *)hello;
	size_t size = 0;

	*hello = (struct remote_hello){};
	while (size < sizeof(*hello)) {
		ssize_t n;

		if (poll(&poll_for, 1, -1) < 0)
			return -errno;
		n = read(remote->fd, at + size, sizeof(*hello) - size);
		if (n <= 0)
			return size ? -EPROTO : -EPIPE;
		size += (size_t)n;
		if (memcmp(hello->magic, REMOTE_MAGIC,
		           size < sizeof(hello->magic) ? size : sizeof(hello->magic)) != 0)
			return -EPROTO;
	}
	return 0;
}

static int refuse_other(const struct remote *remote, struct remote_hello *hello, char *why,
                        size_t why_size)
{
	struct remote_hello own;

	remote_hello(&own);
	hello->version[sizeof(hello->version) - 1] = '\0';
	hello->machine[sizeof(hello->machine) - 1] = '\0';
	hello->host.name[sizeof(hello->host.name) - 1] = '\0';
	hello->host.kernel[sizeof(hello->host.kernel) - 1] = '\0';
	if (!strcmp(own.version, hello->version) && !strcmp(own.machine, hello->machine) &&
	    own.request_size == hello->request_size && own.answer_size == hello->answer_size)
		return 0;
	return sentence(why, why_size, -EPROTO,
	                "%s has ktax %s for %s, and this is another one, %s for %s: install the "
	                "same on both (%s)",
	                hello->host.name, hello->version, hello->machine, own.version, own.machine,
	                remote->command);
}

/* Up to the end of the line, what is printable of it. */
static void first_line(const struct remote_hello *hello, char *text, size_t size)
{
	const char *from = (const char *)hello;
	size_t n = 0;

	for (; n < size - 1 && from[n] && from[n] != '\n'; n++)
		text[n] = from[n] >= ' ' && from[n] < 0x7f ? from[n] : '?';
	text[n] = '\0';
}

static int shake_hands(struct remote *remote, char *why, size_t why_size)
{
	struct remote_hello hello;
	int err = receive_hello(remote, &hello), status;
	char line[60];

	if (!err)
		err = refuse_other(remote, &hello, why, why_size);
	if (!err) {
		remote->host = hello.host;
		return 0;
	}
	remote->broken = true;
	status = end_command(remote);
	remote->pid = 0;
	if (err == -EPIPE && WIFEXITED(status))
		return sentence(why, why_size, err,
		                "there is no responder: the command of \"remote\" has ended with "
		                "status %d (%s)",
		                WEXITSTATUS(status), remote->command);
	if (err == -EPROTO && memcmp(hello.magic, REMOTE_MAGIC, sizeof(hello.magic)) != 0) {
		first_line(&hello, line, sizeof(line));
		return sentence(why, why_size, err,
		                "what the command of \"remote\" runs is no ktax: it says \"%s\" "
		                "(%s)",
		                line, remote->command);
	}
	if (err == -EPROTO)
		return err;
	return sentence(why, why_size, err, "there is no responder: %s (%s)", strerror(-err),
	                remote->command);
}

int remote_open(struct remote **ret, const char *command, char *why, size_t why_size)
{
	struct remote *remote = calloc(1, sizeof(*remote));
	int ends[2], err;

	if (!remote)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	snprintf(remote->command, sizeof(remote->command), "%s", command);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		err = sentence(why, why_size, -errno, "cannot start \"%s\": %s", command,
		               strerror(errno));
		free(remote);
		return err;
	}
	remote->fd = ends[0];
	err = spawn(command, ends[1], &remote->pid);
	close(ends[1]);
	if (err) {
		remote->pid = 0;
		sentence(why, why_size, err, "cannot start \"%s\": %s", command, strerror(-err));
	} else {
		err = shake_hands(remote, why, why_size);
	}
	if (!err)
		*ret = remote;
	else
		remote_close(remote, NULL, 0);
	return err;
}

const struct remote_host *remote_host(const struct remote *remote)
{
	return &remote->host;
}

int remote_close(struct remote *remote, char *why, size_t why_size)
{
	const struct remote_request leave = { .call = REMOTE_LEAVE };
	struct remote_answer unused;
	int err = 0;

	if (!remote)
		return 0;
	if (!remote->broken && remote->pid)
		err = ask_with(remote, &leave, NULL, 0, &unused, LEAVE_MS, why, why_size);
	if (remote->pid)
		end_command(remote);
	close(remote->fd);
	free(remote);
	return err;
}

/* ---- The port ------------------------------------------------------------------------------- */

int remote_set_cpu(struct remote *remote, int cpu, char *why, size_t why_size)
{
	return tell(remote, &(struct remote_request){ .call = REMOTE_CPU, .cpu = cpu }, why,
	            why_size);
}

int remote_examine(struct remote *remote, struct port_end *end, struct frame_flow *flow,
                   bool i_know, char *why, size_t why_size)
{
	struct remote_request request = { .call = REMOTE_EXAMINE,
		                          .examine = { .port = end->port,
		                                       .flow = *flow,
		                                       .i_know = i_know,
		                                       .rebind = end->rebind } };
	struct remote_answer answer;
	int err = ask(remote, &request, &answer, why, why_size);

	if (err)
		return err;
	memcpy(flow->server.mac, answer.examined.mac, sizeof(flow->server.mac));
	snprintf(end->driver, sizeof(end->driver), "%.31s", answer.examined.driver);
	return 0;
}

int remote_change(struct remote *remote, const struct frame_flow *flow, char *why, size_t why_size)
{
	return tell(remote, &(struct remote_request){ .call = REMOTE_CHANGE, .flow = *flow }, why,
	            why_size);
}

int remote_set_address(struct remote *remote, bool has, char *why, size_t why_size)
{
	return tell(remote, &(struct remote_request){ .call = REMOTE_ADDRESS, .has_address = has },
	            why, why_size);
}

int remote_port_state(struct remote *remote, char *why, size_t why_size)
{
	struct remote_answer answer;
	int err = ask(remote, &(struct remote_request){ .call = REMOTE_STATE }, &answer, why,
	              why_size);

	return err ? err : (int)answer.state;
}

int remote_give(struct remote *remote, char *why, size_t why_size)
{
	struct remote_answer unused;

	return ask_with(remote, &(struct remote_request){ .call = REMOTE_GIVE }, NULL, 0, &unused,
	                TAKE_NIC_MS, why, why_size);
}

int remote_take_back(struct remote *remote, char *why, size_t why_size)
{
	struct remote_answer unused;

	return ask_with(remote, &(struct remote_request){ .call = REMOTE_TAKE_BACK }, NULL, 0,
	                &unused, TAKE_NIC_MS, why, why_size);
}

/* ---- The responder -------------------------------------------------------------------------- */

int remote_set_work(struct remote *remote, const struct traffic *traffic, char *why,
                    size_t why_size)
{
	struct remote_request request = { .call = REMOTE_WORK, .n_requests = traffic->n_requests };
	uint32_t *work_ns = calloc(traffic->n_requests, sizeof(*work_ns));
	struct remote_answer unused;
	int err;

	if (!work_ns)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	for (size_t i = 0; i < traffic->n_requests; i++)
		work_ns[i] = traffic->request[i].work_ns;
	err = ask_with(remote, &request, work_ns, traffic->n_requests * sizeof(*work_ns), &unused,
	               ANSWER_MS, why, why_size);
	free(work_ns);
	return err;
}

int remote_start(struct remote *remote, const char *path, bool stream,
                 const struct path_config *config, char *why, size_t why_size)
{
	struct remote_request request = { .call = REMOTE_START,
		                          .start = { .stream = stream, .config = *config } };

	snprintf(request.start.path, sizeof(request.start.path), "%s", path);
	return tell(remote, &request, why, why_size);
}

int remote_begin(struct remote *remote, uint16_t epoch, bool awake, unsigned int seconds_most)
{
	const struct remote_request request = { .call = REMOTE_BEGIN,
		                                .begin = { epoch, awake, seconds_most } };

	return tell(remote, &request, NULL, 0);
}

int remote_end(struct remote *remote, struct responder_counts *ret_counts, uint64_t *ret_kernel_ns)
{
	struct remote_answer answer;
	int err = ask(remote, &(struct remote_request){ .call = REMOTE_END }, &answer, NULL, 0);

	if (err)
		return err;
	*ret_counts = answer.ended.counts;
	*ret_kernel_ns = answer.ended.kernel_ns;
	return 0;
}

int remote_stop(struct remote *remote)
{
	return tell(remote, &(struct remote_request){ .call = REMOTE_STOP }, NULL, 0);
}

int remote_meter(struct remote *remote, bool on, char *why, size_t why_size)
{
	return tell(remote, &(struct remote_request){ .call = REMOTE_METER, .meter = on }, why,
	            why_size);
}
