// SPDX-License-Identifier: GPL-2.0
#include "remote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "remote_message.h"
#include "sentence.h"

#define WORDS_MAX        32
#define ANSWER_MS        30000 /* opening a path and settling take the longest */
#define TAKE_NIC_MS      90000
#define LEAVE_MS         90000 /* a NIC may have to be given back, also if it is told by a signal */
#define END_COMMAND_MS   5000
#define END_COMMAND_STEP 10

extern char **environ;

/* In memory that is shared with the processes that are forked, which ask too. */
struct remote {
	int fd; /* the command's standard input and output */
	pid_t pid;
	uint32_t number; /* of the last request */
	bool broken;     /* an answer has not come */
	bool told;       /* a sentence has said so */
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

/* Has it ended within @ms? Its status as waitpid has it. */
static bool has_ended(pid_t pid, int ms, int *ret_status)
{
	for (; ms >= 0; ms -= END_COMMAND_STEP) {
		if (waitpid(pid, ret_status, WNOHANG) == pid)
			return true;
		usleep(END_COMMAND_STEP * 1000);
	}
	return false;
}

/*
 * Waits for it, and ends it if it does not by itself: a ktax that it has become restores its host
 * first. Its status, or -1.
 */
static int end_command(struct remote *remote)
{
	int status = -1;

	shutdown(remote->fd, SHUT_RDWR);
	if (has_ended(remote->pid, END_COMMAND_MS, &status))
		return status;
	kill(remote->pid, SIGTERM);
	if (has_ended(remote->pid, LEAVE_MS, &status))
		return status;
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
	remote->told = remote->told || why;
	return sentence(why, why_size, err,
	                "the responder's host %s does not answer any more (%s); what it has not "
	                "restored by itself, `ktax ab --cleanup` restores there",
	                remote->host.name, remote->command);
}

/* Answers to what was asked before are of somebody who has not waited for them. */
static int await(struct remote *remote, uint32_t number, struct remote_answer *answer,
                 int timeout_ms, char *why, size_t why_size)
{
	int err;

	do {
		err = wait_for_answer(remote, timeout_ms);
		if (!err)
			err = remote_receive(remote->fd, answer, sizeof(*answer));
	} while (!err && answer->number != number);
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
	struct remote_request numbered = *request;
	int err;

	numbered.number = ++remote->number;
	err = remote->broken ? -EPIPE : remote_send(remote->fd, &numbered, sizeof(numbered));
	if (!err && extra)
		err = remote_send(remote->fd, extra, extra_size);
	return err ? lose(remote, err, why, why_size)
	           : await(remote, numbered.number, answer, timeout_ms, why, why_size);
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

/* For as long as it takes until something comes, or a signal. */
static int await_greeting(const struct remote *remote)
{
	struct pollfd poll_for = { .fd = remote->fd, .events = POLLIN };

	return poll(&poll_for, 1, -1) < 0 ? -errno : 0;
}

/* What has come instead, up to the end of its line, as far as it can be printed. */
static void read_line(const struct remote *remote, const char *begun, size_t n, char *line,
                      size_t size)
{
	char c = begun[n - 1];

	memcpy(line, begun, n);
	while (n < size - 1 && c != '\n' && !remote_receive(remote->fd, &c, 1))
		line[n++] = c;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	for (char *at = line; *at; at++)
		*at = *at >= ' ' && *at < 0x7f ? *at : '?';
}

/* -EREMOTEIO: it is none; @line is what has come. */
static int receive_greeting(const struct remote *remote, struct remote_greeting *greeting,
                            char *line, size_t line_size)
{
	char *at = (char *)greeting;
	size_t n = 0;
	int err = await_greeting(remote);

	while (!err && n < sizeof(greeting->magic)) {
		err = remote_receive(remote->fd, at + n, 1);
		if (err || at[n] == REMOTE_MAGIC[n]) {
			n++;
			continue;
		}
		read_line(remote, at, n + 1, line, line_size);
		return -EREMOTEIO;
	}
	return err ? err : remote_receive(remote->fd, at + n, sizeof(*greeting) - n);
}

static bool is_the_same(struct remote_greeting *other, const struct remote_greeting *own)
{
	other->version[sizeof(other->version) - 1] = '\0';
	other->machine[sizeof(other->machine) - 1] = '\0';
	return !strcmp(own->version, other->version) && !strcmp(own->machine, other->machine) &&
	       own->protocol == other->protocol && own->request_size == other->request_size &&
	       own->answer_size == other->answer_size;
}

static int refuse(struct remote *remote, int err, const char *line, char *why, size_t why_size)
{
	int status = end_command(remote);

	remote->pid = 0;
	remote->broken = remote->told = true;
	if (err == -EREMOTEIO)
		return sentence(why, why_size, err,
		                "what the command of \"remote\" runs is no ktax: it says \"%s\" "
		                "(%s)",
		                line, remote->command);
	if (err == -EPIPE && WIFEXITED(status))
		return sentence(why, why_size, err,
		                "there is no responder: the command of \"remote\" has ended with "
		                "status %d (%s)",
		                WEXITSTATUS(status), remote->command);
	return sentence(why, why_size, err, "there is no responder: %s (%s)", strerror(-err),
	                remote->command);
}

static int refuse_other(struct remote *remote, const struct remote_greeting *other,
                        const struct remote_greeting *own, char *why, size_t why_size)
{
	end_command(remote);
	remote->pid = 0;
	remote->broken = remote->told = true;
	return sentence(why, why_size, -EREMOTEIO,
	                "the other host has ktax %s for %s, which is another than this %s for %s: "
	                "install the same on both (%s)",
	                other->version, other->machine, own->version, own->machine,
	                remote->command);
}

static int greet(struct remote *remote, char *why, size_t why_size)
{
	struct remote_greeting own, other;
	char line[60] = "";
	int err = receive_greeting(remote, &other, line, sizeof(line));

	if (err)
		return refuse(remote, err, line, why, why_size);
	remote_greet(&own);
	return is_the_same(&other, &own) ? 0 : refuse_other(remote, &other, &own, why, why_size);
}

static int set_cpu(struct remote *remote, int cpu, char *why, size_t why_size)
{
	struct remote_answer answer;
	int err;

	strcpy(remote->host.name, "the other host");
	err = ask(remote, &(struct remote_request){ .call = REMOTE_CPU, .cpu = cpu }, &answer, why,
	          why_size);
	if (err)
		return err;
	remote->host = answer.host;
	remote->host.name[sizeof(remote->host.name) - 1] = '\0';
	remote->host.kernel[sizeof(remote->host.kernel) - 1] = '\0';
	remote->host.cpu_model[sizeof(remote->host.cpu_model) - 1] = '\0';
	remote->host.caution[sizeof(remote->host.caution) - 1] = '\0';
	return 0;
}

static struct remote *allocate(void)
{
	struct remote *remote = mmap(NULL, sizeof(*remote), PROT_READ | PROT_WRITE,
	                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return remote == MAP_FAILED ? NULL : remote;
}

int remote_open(struct remote **ret, const char *command, int cpu, char *why, size_t why_size)
{
	struct remote *remote = allocate();
	int ends[2], err;

	if (!remote)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	snprintf(remote->command, sizeof(remote->command), "%s", command);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		err = sentence(why, why_size, -errno, "cannot start \"%s\": %s", command,
		               strerror(errno));
		munmap(remote, sizeof(*remote));
		return err;
	}
	remote->fd = ends[0];
	err = spawn(command, ends[1], &remote->pid);
	close(ends[1]);
	if (err) {
		remote->pid = 0;
		sentence(why, why_size, err, "cannot start \"%s\": %s", command, strerror(-err));
	} else {
		err = greet(remote, why, why_size);
	}
	if (!err)
		err = set_cpu(remote, cpu, why, why_size);
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
	if (remote->pid && !remote->broken)
		err = ask_with(remote, &leave, NULL, 0, &unused, LEAVE_MS, why, why_size);
	else if (remote->broken && !remote->told)
		err = lose(remote, -EPIPE, why, why_size);
	if (remote->pid)
		end_command(remote);
	close(remote->fd);
	munmap(remote, sizeof(*remote));
	return err;
}

/* ---- The port ------------------------------------------------------------------------------- */

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
