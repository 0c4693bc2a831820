// SPDX-License-Identifier: GPL-2.0
/*
 * This program replaces every program in PATH.  This program counts the calls of
 * programs, and makes one call fail.
 *
 * usage: front --links DIR...	make a link to this program, beside it, for each
 *				program in these directories
 *        NAME ARGUMENT...	run program NAME; NAME is such a link
 *
 * This program, "front", is the file WORLD/front/front, where WORLD is the
 * directory of the test, see world.sh.  For each call of a program, front
 * appends a line "script<TAB>command" to WORLD/calls.  If the file WORLD/fault
 * contains the number of the call, front exits with status 99.  If the file
 * WORLD/kill contains the number of the call, front kills the process groups of
 * the script and of itself.  In both cases, front first writes the line
 * "script<TAB>command" to WORLD/hit.  In all other cases, front runs the fake
 * program WORLD/recorded/NAME if this file exists.  If not, front runs the real
 * program NAME from one of the directories in WORLD/path.
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FAULT 99
#define MAX_DEPTH 8

/* The length of the longest possible path of WORLD */
#define WORLD_MAX 2048

static char world[WORLD_MAX];
static pid_t script_pid;

static void die(const char *what)
{
	perror(what);
	exit(FAULT + 1);
}

static void find_world(void)
{
	ssize_t len = readlink("/proc/self/exe", world, sizeof(world) - 1);

	if (len < 0)
		die("front: /proc/self/exe");
	world[len] = '\0';
	*strrchr(world, '/') = '\0';
	*strrchr(world, '/') = '\0';
}

/*
 * Returns the path of the file @name in WORLD.  The path is valid until the next
 * call of world_path().
 */
static char *world_path(const char *name)
{
	static char path[PATH_MAX + NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s", world, name);
	return path;
}

/*
 * Reads the small file @path as a string into @text.  If the file does not
 * exist, @text is the empty string.
 */
static size_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0;

	if (fd >= 0) {
		len = read(fd, text, size - 1);
		close(fd);
	}
	if (len < 0)
		len = 0;
	text[len] = '\0';
	return len;
}

static void write_text(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_text(path, text, sizeof(text));
	end = strrchr(text, ')');
	return end ? atoi(end + 4) : 0;
}

/*
 * Returns the name of the script that the nearest ancestor process runs, or "?"
 * if no ancestor runs a script.
 */
static const char *calling_script(void)
{
	static char line[PATH_MAX];
	char path[64], *script;
	pid_t pid = getppid();
	int depth;

	for (depth = 0; pid > 1 && depth < MAX_DEPTH; depth++) {
		snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
		read_text(path, line, sizeof(line));
		script = line + strlen(line) + 1;
		if (strstr(line, "bash") && strstr(script, ".sh")) {
			script_pid = pid;
			return strrchr(script, '/') + 1;
		}
		pid = parent_of(pid);
	}
	return "?";
}

/* Writes the line "script<TAB>command" for the call of a program to @line. */
static void describe_call(char *line, size_t size, const char *name,
			  char **argv)
{
	size_t len = snprintf(line, size, "%s\t%s", calling_script(), name);
	char *at;

	while (*++argv && len < size - 2)
		len += snprintf(line + len, size - len - 1, " %s", *argv);
	for (at = strchr(line, '\t') + 1; *at; at++)
		if (*at == '\n' || *at == '\t')
			*at = ' ';
	strcat(line, "\n");
}

/*
 * Returns 1 if @file in WORLD contains @number, which is the number of a call,
 * and 0 if not.
 */
static int is_due(const char *file, const char *number)
{
	char text[16];

	return read_text(world_path(file), text, sizeof(text)) &&
	       atoi(text) == atoi(number);
}

/*
 * Counts the call of program @name, and makes the call fail if WORLD/fault or
 * WORLD/kill has the number of the call.
 */
static void count_call(const char *name, char **argv)
{
	char line[512], number[16];
	int fd = open(world_path("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0 || flock(fd, LOCK_EX))
		die("front: lock");
	describe_call(line, sizeof(line), name, argv);
	write_text(world_path("calls"), O_APPEND, line);
	read_text(world_path("count"), number, sizeof(number));
	snprintf(number, sizeof(number), "%d", atoi(number) + 1);
	write_text(world_path("count"), O_TRUNC, number);
	if (is_due("fault", number)) {
		write_text(world_path("hit"), O_TRUNC, line);
		exit(FAULT);
	}
	if (is_due("kill", number)) {
		write_text(world_path("hit"), O_TRUNC, line);
		kill(-getpgid(script_pid), SIGKILL);
		kill(0, SIGKILL);
	}
	close(fd);
}

/* Replaces this process by the fake program or the real program @name. */
static void run_program(const char *name, char **argv)
{
	char path[PATH_MAX], real[2 * PATH_MAX], *dir, *rest = path;

	snprintf(real, sizeof(real), "%s/recorded/%s", world, name);
	execv(real, argv);
	read_text(world_path("path"), path, sizeof(path));
	while ((dir = strsep(&rest, ":\n"))) {
		snprintf(real, sizeof(real), "%s/%s", dir, name);
		execv(real, argv);
	}
	die(name);
}

/* Makes a link in WORLD/front for each program in the directory @dir. */
static void link_all(const char *dir)
{
	struct dirent *entry;
	DIR *names = opendir(dir);
	char path[PATH_MAX];

	while (names && (entry = readdir(names))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/front/%s", world,
			 entry->d_name);
		if (symlink("front", path) && access(path, X_OK))
			die(path);
	}
	if (names)
		closedir(names);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	find_world();
	name = name ? name + 1 : argv[0];
	if (argc > 1 && !strcmp(argv[1], "--links")) {
		for (argv += 2; *argv; argv++)
			link_all(*argv);
		return 0;
	}
	/*
	 * Calls of sleep are not counted, because the number of these calls
	 * depends on time.
	 */
	if (strcmp(name, "sleep"))
		count_call(name, argv);
	run_program(name, argv);
}
