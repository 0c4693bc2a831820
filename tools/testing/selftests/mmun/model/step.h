/* SPDX-License-Identifier: GPL-2.0 */
/* A step of the model, for the files that execute steps */
#ifndef _SELFTESTS_MMUN_MODEL_STEP_H
#define _SELFTESTS_MMUN_MODEL_STEP_H

#include "model.h"

/* A step: the state that changes, and the actor that moves */
struct step {
	struct model *m;
	struct model_lock *lock; /* lock of the model */
	const struct model_config *config;
	const struct model_rules *rules; /* rules of the configuration */
	struct model_trace *trace;
	int actor; /* the actor that moves now */
	const struct model_role *role; /* role of this actor */
	int kind; /* kind of this role */
	struct model_actor *a; /* the state of this actor */
};

/* Let @actor be the actor that moves. */
void step_select(struct step *s, int actor);
/* Add a record of the actor and of its pages to the expected records. */
void step_log(struct step *s, struct model_record record);
/* Only the wrong rules of deliberate errors break the rules of the model. */
void step_expect(struct step *s, bool is_right);
/* Let each reader and each remover go on whose wait is over. */
void step_wake(struct step *s);
/* Make the call of the actor return @errnum or, if @errnum is 0, @result. */
void step_finish(struct step *s, int errnum, int result);

#endif /* _SELFTESTS_MMUN_MODEL_STEP_H */
