/*
 * The event loop of a process: one per process, no threads. A thin face over
 * libev, so that only base/loop.c knows which library turns the wheel.
 * Callbacks run one at a time. Any of the *_free functions may be called from
 * inside any callback, also of the object itself; after it no callback of that
 * object runs.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>

enum loop_events { LOOP_NONE = 0, LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;
struct loop_turn;

typedef void loop_io_cb(void *arg, int events);
typedef void loop_cb(void *arg);

/* NULL with errno when out of memory or descriptors. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* Runs until loop_stop, or until nothing is left that could happen. */
void loop_run(struct loop *loop);
/* One turn: waits for at most one batch of events and runs their callbacks.
 * Does not wait when block is LOOP_NOWAIT. */
enum loop_block { LOOP_WAIT, LOOP_NOWAIT };
void loop_once(struct loop *loop, enum loop_block block);
void loop_stop(struct loop *loop);

/* Watches fd (borrowed: stays open until after loop_io_free). events is a mask
 * of loop_events, 0 = watch nothing for now. NULL when out of memory. */
struct loop_io *loop_io_new(
    struct loop *loop, int fd, int events, loop_io_cb *cb, void *arg);
/* Changes the mask; cheap when it does not change. */
void loop_io_set(struct loop_io *io, int events);
void loop_io_free(struct loop_io *io);

/* A one-shot timer, not running until loop_timer_set. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_cb *cb, void *arg);
/* (Re)starts it: fires once, ns from now (monotonic). 0 fires next turn. */
void loop_timer_set(struct loop_timer *timer, uint64_t ns);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/* Calls cb in the loop (never in signal context) after signo arrived. */
struct loop_signal *loop_signal_new(
    struct loop *loop, int signo, loop_cb *cb, void *arg);
void loop_signal_free(struct loop_signal *sig);

/* Calls cb once at the end of each turn, before the loop sleeps: the place to
 * flush what the turn's events produced, so that several completions in one
 * turn cost one send. */
struct loop_turn *loop_turn_new(struct loop *loop, loop_cb *cb, void *arg);
void loop_turn_free(struct loop_turn *turn);

#endif
