// SPDX-License-Identifier: GPL-2.0
/*
 * The write lock of the mm-wide lock "invlock".  A reader that has collided too
 * often takes mmap_lock for writing, which excludes the invalidations of all
 * tasks that hold mmap_lock.  Documentation/schemes.rst lists the invalidations
 * that mmap_lock does not exclude.  A reader that holds the lock therefore still
 * follows the collision-retry protocol.
 */

#include "private.h"

/*
 * Take a reference on mm_users, which excludes the exit of the mm, and take
 * mmap_lock for writing.  Returns -ESRCH if the mm has exited, and -EINTR after
 * a fatal signal.
 */
static int mmun_write_lock(struct mm_struct *mm)
{
	if (!mmget_not_zero(mm))
		return -ESRCH;
	if (!mmap_write_lock_killable(mm))
		return 0;
	mmput(mm);
	return -EINTR;
}

static void mmun_write_unlock(struct mm_struct *mm)
{
	mmap_write_unlock(mm);
	mmput(mm);
}
