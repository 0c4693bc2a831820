// SPDX-License-Identifier: GPL-2.0
/*
 * PARK and UNPARK: a thread that no signal wakes, so that its mm can be reaped.
 */

static void mmun_log_park(struct mmun_log *log)
{
	struct mmun_record record;

	if (mmun_record_begin(log, &record, MMUN_RECORD_PARK, 0))
		mmun_record_end(log, &record);
}

static int mmun_park(struct mmun_ucmd *ucmd)
{
	struct mmun_park *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;
	struct mmun_parked parked = { .tid = task_pid_nr(current) };

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (!cmd->timeout_ms || cmd->timeout_ms > MMUN_MAX_PARK_MS)
		return -EINVAL;
	init_completion(&parked.released);
	spin_lock(&ctx->parked_lock);
	list_add_tail(&parked.node, &ctx->parked);
	spin_unlock(&ctx->parked_lock);
	mmun_log_park(&ctx->log);

	wait_for_completion_timeout(&parked.released,
				    msecs_to_jiffies(cmd->timeout_ms));

	/* UNPARK may be at it, and be done when it gives up the lock */
	spin_lock(&ctx->parked_lock);
	cmd->out_released = list_empty(&parked.node);
	list_del(&parked.node);
	spin_unlock(&ctx->parked_lock);
	return mmun_ucmd_respond(ucmd, sizeof(*cmd));
}

static int mmun_unpark(struct mmun_ucmd *ucmd)
{
	struct mmun_unpark *cmd = ucmd->cmd;
	struct mmun_ctx *ctx = ucmd->ctx;
	struct mmun_parked *parked, *next;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	cmd->out_count = 0;
	spin_lock(&ctx->parked_lock);
	list_for_each_entry_safe(parked, next, &ctx->parked, node) {
		if (cmd->tid && cmd->tid != parked->tid)
			continue;
		list_del_init(&parked->node);
		complete(&parked->released);
		cmd->out_count++;
	}
	spin_unlock(&ctx->parked_lock);
	return cmd->out_count ? mmun_ucmd_respond(ucmd, sizeof(*cmd)) : -ENOENT;
}
