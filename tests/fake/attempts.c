/*
 * The attempts. On channels: 3 = broker, 4 = warden, 6 = signer.
 */
#include "tests/fake/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/mem.h"
#include "wire/ipc.h"

#define BROKER 3
#define WARDEN 4
#define SIGNER 6
#define WAIT_MS 3000 /* for the end that has to come */

char attempt_key[256] = "/etc/sallyport/tls/key.pem";
int attempt_device = 40;

/* ------------------------------------------------------------------------ */
/* Files                                                                    */

static int
opens(const char *path, int flags)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0600) != -1;
}

static int
open_file(void)
{
	return opens("/etc/passwd", O_RDONLY);
}

static int
open_key(void)
{
	return opens(attempt_key, O_RDONLY);
}

static int
open_node(void)
{
	return opens("/dev/bus/usb/001/001", O_RDWR) ||
	    opens("/dev/null", O_RDWR);
}

static int
open_proc(void)
{
	return opens("/proc/1/mem", O_RDONLY) ||
	    opens("/proc/self/mem", O_RDWR);
}

static int
create_file(void)
{
	return opens("/tmp/sallyport-attempt", O_WRONLY | O_CREAT);
}

/* ------------------------------------------------------------------------ */
/* Sockets                                                                  */

static int
make_socket(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) != -1;
}

static int
connect_out(void)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	return syscall(SYS_connect, BROKER, &none, sizeof(none)) != -1 ||
	    errno != EACCES;
}

/* ------------------------------------------------------------------------ */
/* Calls: that one returns at all is too much                               */

static int
trace_sibling(void)
{
	(void)syscall(SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
	return 1;
}

static int
read_sibling(void)
{
	(void)syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0);
	return 1;
}

#ifdef SYS_pidfd_open
static int
take_descriptor(void)
{
	(void)syscall(SYS_pidfd_open, 1, 0);
	return 1;
}
#endif

static int
signal_sibling(void)
{
	(void)syscall(SYS_kill, 1, 0);
	return 1;
}

static int
run_program(void)
{
	static char name[] = "true";
	char *const argv[] = {name, NULL};

	(void)syscall(SYS_execve, "/bin/true", argv, NULL);
	return 1;
}

static int
make_process(void)
{
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
		_exit(0);
	}
	return 1;
}

static int
map_code(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != -1;
}

static int
turn_into_code(void)
{
	(void)syscall(SYS_mprotect, NULL, 4096, PROT_EXEC);
	return 1;
}

static int
device_does(unsigned long request)
{
	uint8_t arg[64] = {0};

	(void)syscall(SYS_ioctl, attempt_device, request, arg);
	return 1;
}

static int
change_config(void)
{
	return device_does(USBDEVFS_SETCONFIGURATION);
}

static int
call_driver(void)
{
	return device_does(USBDEVFS_IOCTL);
}

static int
claim_port(void)
{
	return device_does(USBDEVFS_CLAIM_PORT);
}

static int
drive_another(void)
{
	(void)syscall(
	    SYS_ioctl, attempt_device + 1, USBDEVFS_SUBMITURB, NULL);
	return 1;
}

static int
mend_handler(void)
{
	(void)syscall(SYS_rt_sigaction, SIGSYS, NULL, NULL, 8);
	return 1;
}

static int
become_root(void)
{
	(void)syscall(SYS_setuid, 0);
	return 1;
}

static int
make_namespace(void)
{
	(void)syscall(SYS_unshare, 0x10000000);
	return 1;
}

static int
mount_over(void)
{
	(void)syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
	return 1;
}

static int
become_dumpable(void)
{
	(void)syscall(SYS_prctl, 4, 1, 0, 0, 0);
	return 1;
}

static int
load_program(void)
{
	(void)syscall(SYS_bpf, 0, NULL, 0);
	return 1;
}

#ifdef SYS_io_uring_setup
static int
go_around(void)
{
	(void)syscall(SYS_io_uring_setup, 1, NULL);
	return 1;
}
#endif

static int
raise_limits(void)
{
	(void)syscall(SYS_prlimit64, 0, 7, NULL, NULL);
	return 1;
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

static int
says(int chan, uint16_t type, const void *data, size_t len, int fd)
{
	if (channel_send(chan, type, 0, data, len, fd) != 0) {
		return 0;
	}
	(void)poll(NULL, 0, WAIT_MS);
	return 1;
}

static int
ask_key_again(void)
{
	/* the first of a process that had none yet is answered */
	return says(BROKER, IPC_KEY, NULL, 0, -1) &&
	    says(BROKER, IPC_KEY, NULL, 0, -1);
}

static int
ask_key_longer(void)
{
	return says(BROKER, IPC_KEY, "x", 1, -1);
}

static int
ask_config(void)
{
	return says(BROKER, IPC_SET_CONFIG, "\x09", 1, -1);
}

static int
ask_config_longer(void)
{
	return says(BROKER, IPC_SET_CONFIG, "\x01\x00", 2, -1);
}

static int
ask_config_with_fd(void)
{
	return says(BROKER, IPC_SET_CONFIG, "\x01", 1, BROKER);
}

static int
ask_grant(void)
{
	const struct ipc_grant m = {.place = {.busid = "3-3",
					.path = "/sys/devices/x",
					.busnum = 3, .devnum = 13,
					.speed = USBIP_SPEED_HIGH},
		.nconfigs = 1, .configs = {1}};
	uint8_t buf[2048];
	int n = ipc_encode_grant(buf, sizeof(buf), &m);

	return n > 0 && says(BROKER, IPC_GRANT, buf, (size_t)n, -1);
}

static int
ask_kill(void)
{
	return says(BROKER, IPC_KILL, NULL, 0, -1);
}

static int
ask_unknown(void)
{
	return says(BROKER, 2000, NULL, 0, -1);
}

static int
say_malformed(void)
{
	if (send(BROKER, "x", 1, MSG_NOSIGNAL) != 1) {
		return 0;
	}
	(void)poll(NULL, 0, WAIT_MS);
	return 1;
}

static int
say_record(void)
{
	return says(WARDEN, IPC_RECORD, NULL, 0, -1);
}

static int
say_identity(void)
{
	return says(WARDEN, IPC_IDENTITY, NULL, 0, -1);
}

static int
say_unknown(void)
{
	return says(WARDEN, 2000, NULL, 0, -1);
}

static int
say_with_fd(void)
{
	return says(WARDEN, IPC_ACTIVE, NULL, 0, WARDEN);
}

/* What a session may: its texts, upon which the signer listens to it. */
static int
has_texts(void)
{
	static uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
	struct channel_msg msg;

	return channel_send(BROKER, IPC_KEY, 0, NULL, 0, -1) == 0 &&
	    channel_recv_wait(BROKER, buf, sizeof(buf), WAIT_MS, &msg) == 0 &&
	    msg.type == IPC_KEY_IS;
}

static int
is_signed(void)
{
	static const uint8_t digest[33] = {IPC_SHA256};
	uint8_t buf[CHANNEL_HEADER + IPC_SIGNATURE_MAX + 16];
	struct channel_msg msg;

	return channel_send(SIGNER, IPC_SIGN, 0, digest, sizeof(digest), -1) ==
	    0 &&
	    channel_recv_wait(SIGNER, buf, sizeof(buf), WAIT_MS, &msg) == 0 &&
	    msg.type == IPC_SIGNED;
}

static int
sign_twice(void)
{
	if (!has_texts() || !is_signed() || is_signed()) {
		return 1;
	}
	(void)poll(NULL, 0, WAIT_MS);
	return 1;
}

static int
sign_other(void)
{
	/* no hash: what it would decrypt, if it could */
	static const uint8_t block[256];

	return !has_texts() ||
	    says(SIGNER, IPC_SIGN, block, sizeof(block), -1);
}

static int
ask_for_the_key(void)
{
	return !has_texts() || says(SIGNER, IPC_KEY, NULL, 0, -1);
}

/* ------------------------------------------------------------------------ */

#define CALL(name, fn, nr) {name, ATTEMPT_CALL, fn, SYS_##nr}

const struct attempt attempts[] = {
	{"open a file", ATTEMPT_FILE, open_file, SYS_openat},
	{"read the key's file", ATTEMPT_FILE, open_key, SYS_openat},
	{"open another device", ATTEMPT_FILE, open_node, SYS_openat},
	{"open memory in /proc", ATTEMPT_FILE, open_proc, SYS_openat},
	{"create a file", ATTEMPT_FILE, create_file, SYS_openat},
	{"make a socket", ATTEMPT_SOCKET, make_socket, SYS_socket},
	{"connect", ATTEMPT_SOCKET, connect_out, SYS_connect},
	CALL("trace a sibling", trace_sibling, ptrace),
	CALL("read a sibling", read_sibling, process_vm_readv),
#ifdef SYS_pidfd_open
	CALL("take a descriptor", take_descriptor, pidfd_open),
#endif
	CALL("signal a sibling", signal_sibling, kill),
	CALL("run a program", run_program, execve),
	CALL("make a process", make_process, clone),
	CALL("map code", map_code, mmap),
	CALL("make memory code", turn_into_code, mprotect),
	CALL("change the configuration", change_config, ioctl),
	CALL("let drivers in", call_driver, ioctl),
	CALL("claim a port", claim_port, ioctl),
	CALL("drive another device", drive_another, ioctl),
	CALL("catch the signal", mend_handler, rt_sigaction),
	CALL("become root", become_root, setuid),
	CALL("make a namespace", make_namespace, unshare),
	CALL("mount", mount_over, mount),
	CALL("become dumpable", become_dumpable, prctl),
	CALL("load a program", load_program, bpf),
#ifdef SYS_io_uring_setup
	CALL("go around the list", go_around, io_uring_setup),
#endif
	CALL("raise limits", raise_limits, prlimit64),
	{"ask for the key again", ATTEMPT_BROKER, ask_key_again, IPC_KEY},
	{"ask for it, and a byte", ATTEMPT_BROKER, ask_key_longer, IPC_KEY},
	{"ask for a configuration", ATTEMPT_BROKER, ask_config,
	    IPC_SET_CONFIG},
	{"ask for one, and a byte", ATTEMPT_BROKER, ask_config_longer,
	    IPC_SET_CONFIG},
	{"ask for one, with a descriptor", ATTEMPT_BROKER, ask_config_with_fd,
	    IPC_SET_CONFIG},
	{"ask for a device", ATTEMPT_BROKER, ask_grant, IPC_GRANT},
	{"ask to kill", ATTEMPT_BROKER, ask_kill, IPC_KILL},
	{"ask what is not", ATTEMPT_BROKER, ask_unknown, 2000},
	{"ask in no form", ATTEMPT_BROKER, say_malformed, -1},
	{"have two signatures", ATTEMPT_SIGNER, sign_twice, IPC_SIGN},
	{"have something else signed", ATTEMPT_SIGNER, sign_other, -1},
	{"ask the signer for the key", ATTEMPT_SIGNER, ask_for_the_key,
	    IPC_KEY},
	{"be somebody else", ATTEMPT_WARDEN, say_identity, IPC_IDENTITY},
	{"say what a probe says", ATTEMPT_WARDEN, say_record, IPC_RECORD},
	{"say what is not", ATTEMPT_WARDEN, say_unknown, 2000},
	{"send a descriptor", ATTEMPT_WARDEN, say_with_fd, IPC_ACTIVE},
};
const size_t nattempts = ARRAY_LEN(attempts);
