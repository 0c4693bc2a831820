// SPDX-License-Identifier: GPL-2.0
/* Sets up and removes the listeners of /dev/mmun_list for one schedule */
#include <string.h>
#include <sys/ioctl.h>

#include "schedule.h"
#include "stage.h"

static bool register_plain(int listener)
{
	struct mmun_list_register cmd = { .ops = MMUN_LIST_KEY_OPS };

	if (ioctl(stage.list_fd, MMUN_LIST_REGISTER, &cmd))
		return false;
	stage.listener[listener] = cmd.out_id;
	return true;
}

static bool get_object(int listener, const struct model_listener *l)
{
	struct mmun_list_get cmd = { .key = l->ops };

	for (int i = 0; i < l->users; i++)
		if (ioctl(stage.list_fd, MMUN_LIST_GET, &cmd))
			return false;
	stage.listener[listener] = cmd.out_id;
	return true;
}

/* The listeners are in the order of their registrations. */
static bool set_up_list(const struct model_list *list)
{
	for (int i = 0; i < MODEL_LISTENERS; i++) {
		const struct model_listener *l = &list->listener[i];

		if (i == MODEL_LAST_LISTENER || l->place != LISTENER_LISTED)
			continue;
		if (l->ops < MODEL_KEYS ? !get_object(i, l) :
					  !register_plain(i))
			return false;
	}
	return true;
}

bool listeners_set_up(const struct model *m)
{
	struct mmun_list_record records[16];

	memset(stage.listener, 0, sizeof(stage.listener));
	if (!config_uses_list(stage.config))
		return true;
	if (!set_up_list(&m->list))
		return false;
	/* Discard the records that the setup has added to the log. */
	while (read(stage.list_fd, records, sizeof(records)) > 0)
		;
	return true;
}

/* Either UNREGISTER or PUT finds the listener, if the listener still exists. */
static void remove_listener(__u32 id)
{
	struct mmun_list_unregister unregister = { .id = id };
	struct mmun_list_put put = { .id = id };

	ioctl(stage.list_fd, MMUN_LIST_UNREGISTER, &unregister);
	while (!ioctl(stage.list_fd, MMUN_LIST_PUT, &put) && put.out_left)
		;
}

void listeners_clear(void)
{
	for (int i = 0; i < MODEL_LISTENERS; i++)
		if (stage.listener[i])
			remove_listener(stage.listener[i]);
}

/* Holds */

bool listener_hold(int actor, int listener)
{
	struct mmun_list_hold cmd = {
		.id = stage.listener[listener],
		.op = MMUN_LIST_START,
		.tid = stage.thread[actor]->task.tid,
		.timeout_ms = MMUN_LIST_MAX_MS,
	};

	if (ioctl(stage.list_fd, MMUN_LIST_HOLD, &cmd))
		return false;
	stage.hold[actor][MODEL_CALLED] = cmd.out_hold;
	return true;
}

bool listener_is_held(__u32 hold)
{
	struct mmun_list_wait_held cmd = { .hold = hold };

	return !ioctl(stage.list_fd, MMUN_LIST_WAIT_HELD, &cmd) &&
	       cmd.out_state == MMUN_LIST_HELD;
}

bool listener_resume(__u32 hold)
{
	struct mmun_list_resume cmd = { .hold = hold };

	return !ioctl(stage.list_fd, MMUN_LIST_RESUME, &cmd);
}
