// SPDX-License-Identifier: GPL-2.0
/* Coroutines on stacks inside of struct world */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actor.h"
#include "primitive.h"

struct world world;
struct actor *me;
char violation[512];
const void *violation_callers[MAX_CALLERS];

static void *search_sp;

#if defined(__x86_64__)
asm(".text\n.globl switch_stack\n.type switch_stack,@function\n"
    "switch_stack:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
    ".size switch_stack,.-switch_stack\n");
#define SAVED 6
#define SLOTS 8 /* the registers, the return address, an alignment */
#elif defined(__aarch64__)
asm(".text\n.globl switch_stack\n.type switch_stack,%function\n"
    "switch_stack:\n"
    "stp x29,x30,[sp,#-160]!\nstp x19,x20,[sp,#16]\nstp x21,x22,[sp,#32]\n"
    "stp x23,x24,[sp,#48]\nstp x25,x26,[sp,#64]\nstp x27,x28,[sp,#80]\n"
    "stp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\n"
    "stp d14,d15,[sp,#144]\n"
    "mov x9,sp\nstr x9,[x0]\nmov sp,x1\n"
    "ldp x19,x20,[sp,#16]\nldp x21,x22,[sp,#32]\nldp x23,x24,[sp,#48]\n"
    "ldp x25,x26,[sp,#64]\nldp x27,x28,[sp,#80]\nldp d8,d9,[sp,#96]\n"
    "ldp d10,d11,[sp,#112]\nldp d12,d13,[sp,#128]\nldp d14,d15,[sp,#144]\n"
    "ldp x29,x30,[sp],#160\nret\n"
    ".size switch_stack,.-switch_stack\n");
#define SAVED 1 /* x30 is the second slot */
#define SLOTS 20
#else
#error "switch_stack() is not written for this architecture"
#endif

/* The most bytes of the stack that one step uses below its first function */
#define BELOW_BYTES 2048

/* What each actor runs; not a part of the state */
static struct {
	void (*run)(void *arg);
	void *arg;
} job[MAX_ACTORS];

static void actor_main(void)
{
	const int i = actor_index(me);

	me->started = 1;
	job[i].run(job[i].arg);
	if (me->nr_held || me->atomic || me->in_srcu)
		violate("an actor ends, and holds a lock");
	actor_stop(WAIT_EVER, NULL, NULL);
	abort();
}

void actor_add(void (*run)(void *arg), void *arg)
{
	const int i = world.nr++;
	struct actor *actor = &world.actor[i];
	void **top = (void **)(world.stack[i] + STACK_BYTES) - SLOTS;

	memset(actor, 0, sizeof(*actor));
	job[i].run = run;
	job[i].arg = arg;
	top[SAVED] = actor_main;
	actor->sp = top;
}

void actor_stop(enum wait wait, void *object, const void *pc)
{
	struct actor *actor = me;

	if (!actor)
		return;
	actor->wait = wait;
	actor->object = object;
	actor->pc = pc;
	actor->split = 0;
	switch_stack(&actor->sp, search_sp);
	actor->wait = WAIT_NOTHING;
	actor->object = NULL;
}

/*
 * The bytes below the stack come from other schedules.  Without them, states that
 * only differ in variables without a value are equal.
 */
static void clear_below(int i)
{
	char *const end = world.actor[i].sp;
	const size_t below = end - world.stack[i];
	const size_t bytes = below < BELOW_BYTES ? below : BELOW_BYTES;

	memset(end - bytes, 0, bytes);
}

void actor_step(struct actor *actor)
{
	me = actor;
	do {
		actor->repeats = false;
		clear_below(actor_index(actor));
		switch_stack(&search_sp, actor->sp);
	} while (actor->repeats);
	me = NULL;
}

void actor_repeat(bool (*attempt)(void *arg), void *arg)
{
	while (!attempt(arg)) {
		me->repeats = true;
		switch_stack(&me->sp, search_sp);
	}
}

bool actor_enabled(const struct actor *actor)
{
	switch (actor->wait) {
	case WAIT_NOTHING:
		return true;
	case WAIT_LOCK:
		return spin_is_free(actor->object);
	case WAIT_WRITE:
		return rwsem_is_free(actor->object, true);
	case WAIT_READ:
		return rwsem_is_free(actor->object, false);
	case WAIT_WAKE:
		return actor->woken;
	case WAIT_SRCU:
		return !actor->srcu_waits;
	case WAIT_BARRIER:
		return !actor->srcu_behind;
	case WAIT_CALLBACK:
		return world.nr_callbacks && !world.callback[0].waits;
	default:
		return false;
	}
}

unsigned int actors_enabled(void)
{
	unsigned int mask = 0;

	for (int i = 0; i < world.nr; i++)
		if (actor_enabled(&world.actor[i]))
			mask |= 1u << i;
	return mask;
}

/* The handler leaves its stack, as violate() does not return inside of an actor. */
static void report_fault(int signal, siginfo_t *info, void *context)
{
	if (me && (uintptr_t)info->si_addr < 4096)
		violate("null pointer dereference");
	if (me)
		violate("invalid pointer %p", info->si_addr);
	fprintf(stderr, "invalid pointer %p before step 1, or in a check\n",
		info->si_addr);
	_exit(128 + signal);
}

void actor_catch_faults(void)
{
	static char stack[65536];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction action = {
		.sa_sigaction = report_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* All code is compiled with frame pointers. */
static void note_callers(void *const *frame)
{
	const char *const stack = me ? world.stack[actor_index(me)] : NULL;

	memset(violation_callers, 0, sizeof(violation_callers));
	for (int i = 0; i < MAX_CALLERS && stack; i++) {
		if ((const char *)frame < stack ||
		    (const char *)(frame + 2) > stack + STACK_BYTES)
			return;
		violation_callers[i] = frame[1];
		frame = frame[0];
	}
}

void violate(const char *format, ...)
{
	va_list args;

	if (!violation[0]) {
		note_callers(__builtin_frame_address(0));
		va_start(args, format);
		vsnprintf(violation, sizeof(violation), format, args);
		va_end(args);
	}
	if (me)
		actor_stop(WAIT_EVER, NULL, NULL);
}
