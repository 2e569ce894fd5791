/*
 * What the door in a process (door.c) and whoever opens it (broken.c) agree on.
 */
#ifndef TESTS_ATTACK_DOOR_H
#define TESTS_ATTACK_DOOR_H

#define DOOR_PATH "/sys/door" /* state, attempt, path of the key: a line each */
#define DOOR_EXIT 77
#define DOOR_THROUGH "got through"
#define DOOR_REFUSED "refused"

#endif
