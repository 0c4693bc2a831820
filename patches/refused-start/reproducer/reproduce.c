// SPDX-License-Identifier: GPL-2.0
/*
 * Kill a process that has an interval notifier and a list notifier that refuses,
 * reap its memory as the OOM killer does, and look whether the process exits.
 *
 * The exit status is 0 if the kernel is right, 1 if the process stays for ever,
 * and 2 if the program could not try.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICE "/dev/refused_start"
#define SECONDS 10

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* The process to kill.  read() sleeps for three seconds. */
static void victim(int fd)
{
	char c;

	read(fd, &c, 1);
	pause();
}

static void show_stack(pid_t pid)
{
	char path[64], text[4096];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	fd = open(path, O_RDONLY);
	len = read(fd, text, sizeof(text));
	printf("%.*s", (int)(len > 0 ? len : 0), text);
}

int main(void)
{
	int fd, pidfd;
	pid_t pid = fork();

	if (!pid) {
		fd = open(DEVICE, O_RDONLY);
		if (fd < 0)
			die(DEVICE);
		victim(fd);
	}
	sleep(1);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || kill(pid, SIGKILL))
		die("kill");
	if (!syscall(SYS_process_mrelease, pidfd, 0) || errno != EAGAIN)
		die("process_mrelease: expected EAGAIN");
	printf("process_mrelease: %s, because the list notifier refuses\n",
	       strerror(EAGAIN));
	for (int i = 0; i < SECONDS; i++) {
		sleep(1);
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			puts("the process has exited: this kernel is right");
			return 0;
		}
	}
	printf("%d seconds after SIGKILL the process has not exited:\n",
	       SECONDS);
	show_stack(pid);
	return 1;
}
