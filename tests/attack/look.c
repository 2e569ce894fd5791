#include "tests/attack/look.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

unsigned
look_said(const struct stage *s, const char *what)
{
	char path[128], line[1024];
	unsigned n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/stderr", s->dir);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		n += strstr(line, what) != NULL;
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return n;
}

int
look_awaits(const struct stage *s, const char *what, unsigned n, int ms)
{
	for (int past = 0; past <= ms; past += 20) {
		if (look_said(s, what) >= n) {
			return 1;
		}
		(void)poll(NULL, 0, 20);
	}
	return 0;
}

int
look_run(const char *dir, const char *const *argv, char *out, size_t size)
{
	size_t len = 0;
	int fds[2], status = -1;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		fatal("run %s", argv[0]);
	}
	if (pid == 0) {
		if (chdir(dir) == -1 || dup2(fds[1], 1) == -1 ||
		    dup2(fds[1], 2) == -1 ||
		    dup2(open("/dev/null", O_RDONLY), 0) == -1) {
			_exit(126);
		}
		/* it has no const form, and only reads */
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	while (len < size - 1 &&
	    (n = read(fds[0], out + len, size - 1 - len)) > 0) {
		len += (size_t)n;
	}
	out[len] = '\0';
	close(fds[0]);
	(void)waitpid(pid, &status, 0);
	return status;
}

int
look_ctl(const struct stage *s, const char *word, char *out, size_t size)
{
	static char program[8192];
	const char *const argv[] = {
		program, "--socket", "run/control.sock", word, NULL};

	(void)snprintf(program, sizeof(program), "%s/../bin/sallyctl", s->bin);
	return look_run(s->dir, argv, out, size);
}
