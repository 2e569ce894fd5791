/*
 * A whole session between a workstation, a device and a warden that do what the
 * input says, each between the steps of the others, and in a machine that may
 * run out of everything. However it goes: the answers are those of
 * session_check.c, the session ends when its peer does, gives its device back
 * and leaves no descriptor; and what nothing holds up is answered.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/fault/fault.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session_play.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play play;
	int before = dup(STDERR_FILENO), after;

	close(before);
	if (size < 2) {
		return 0;
	}
	memset(&play, 0, sizeof(play));
	play.in = rcur_of(data + 2, size - 2);
	play.part = play_part(data[0]);
	(void)signal(SIGPIPE, SIG_IGN); /* as log_init does */
	fault_side(FAULT_FAKE);
	play_begin(&play, data[1]);
	while (!play.rig->ended && !play.in.failed) {
		play_step(&play);
	}
	play_clear(&play);
	close_fd(&play.rig->client);
	rig_pass(play.rig, 60 * CLOCK_SEC);
	MUST(play.rig->ended);
	MUST(play.rig->sim->counts.opens == play.rig->sim->counts.closes);
	rig_free(play.rig);
	after = dup(STDERR_FILENO);
	close(after);
	MUST(before == after);
	return 0;
}
