/* SPDX-License-Identifier: GPL-2.0 */
/* What `ktax doctor` prints, and what `ktax record` keeps of it. */
#ifndef KTAX_UI_DOCTOR_H
#define KTAX_UI_DOCTOR_H

#include "readiness.h"
#include "terminal.h"

/*
 * Looks at this host, with @interface or (NULL) that of the default route. *ret is malloc()ed.
 * -ENODEV: there is no such interface.
 */
int doctor_examine(const char *interface, struct readiness **ret);
/* Below 100 ms; NULL where it could not be done. To be freed by free(). */
char *doctor_readiness_json(void);

/*
 * @asked: the concerns that the rows were chosen by. @all: those that are fine too, and why each is
 * checked.
 */
void doctor_text(const struct terminal *terminal, const struct readiness *readiness, unsigned asked,
                 bool all);

#endif
