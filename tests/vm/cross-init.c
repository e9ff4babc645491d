// SPDX-License-Identifier: GPL-2.0
/*
 * The whole user space of a kernel of another architecture: loads /stt.ko,
 * whose unit tests run then, unloads it and turns the machine off. What it says
 * goes to the kernel log, among what the tests say. Built with the kernel's
 * nolibc, so that no C library of that architecture is needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <unistd.h>

static void say(const char *what, int err)
{
	char line[80];
	int fd, len;

	len = snprintf(line, sizeof(line), "stt-test: %s, error %d\n", what,
		       err);
	fd = open("/kmsg", O_WRONLY);
	if (fd < 0 || write(fd, line, len) != len)
		printf("%s", line);
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	int fd, tries;

	mknod("/kmsg", S_IFCHR | 0600, makedev(1, 11));

	fd = open("/stt.ko", O_RDONLY);
	if (fd < 0)
		say("no module", errno);
	else if (syscall(__NR_finit_module, fd, "", 0))
		say("the module does not load", errno);
	else
		say("loaded", 0);

	for (tries = 0; tries < 100; tries++) {
		if (!syscall(__NR_delete_module, "stt", O_NONBLOCK)) {
			say("unloaded", 0);
			break;
		}
		usleep(100000);
	}
	say("end", 0);
	sleep(1);
	reboot(RB_POWER_OFF);
	for (;;)
		sleep(1);
}
