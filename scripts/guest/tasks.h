/* SPDX-License-Identifier: GPL-2.0 */
/* Find and show the tasks of the test program that runs. */
#ifndef MMUN_GUEST_TASKS_H
#define MMUN_GUEST_TASKS_H

/* Call @visit for each task except PID 1, kernel threads and zombies. */
void visit_tasks(void (*visit)(int pid, int tid, char state));
/* Print the state, the kernel stack and the system call of a task. */
void show_task(int pid, int tid, char state);
/* Call show_task() for each task that visit_tasks() visits. */
void show_tasks(void);

#endif /* MMUN_GUEST_TASKS_H */
