// SPDX-License-Identifier: GPL-2.0
/*
 * stt-fuzz --seed N [--seconds N | --rounds N] [--netlink] SINK
 *
 * Sends damaged segments, router's messages and inner packets until the time
 * is over, and between them packets that are right, each of which has to
 * arrive as it was sent.  With --netlink, links are made, changed and deleted
 * meanwhile.  What else must hold: memory stays within its limit, and is given
 * back in the end.  That the kernel has nothing to complain of is for the
 * caller to see.
 *
 * The seed decides all that is sent, but not how much of it.
 */
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

#define HIGH_THRESH	(2ul << 20)
#define TIME_MS		10000
#define PATIENCE	30

static unsigned long seed, rounds, packets, frames, messages;

void die(const char *fmt, ...)
{
	va_list args;

	printf("# round %lu of seed %lu: ", rounds, seed);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static void inject_one(void)
{
	struct packet *p = pool_take();

	io_inject(p);
	free(p);
	packets++;
}

static void inject_all(void)
{
	while (pool_count())
		inject_one();
}

static void check_memory(void)
{
	long mem = stt_counter("reasm_mem");

	if (mem < 0 || mem > (long)HIGH_THRESH)
		die("reasm_mem is %ld", mem);
}

static void honest_round(u32 serial)
{
	unsigned int payload = send_honest_frame(serial), n;

	/* Some of the others' come behind. */
	n = rnd(4);
	while (n--)
		send_random_frame();
	inject_all();
	if (!io_honest_arrived(serial, payload, serial % 3, PATIENCE))
		die("packet %u did not arrive", serial);
	frames++;
}

static void transmit_some(void)
{
	static struct inner in;

	inner_random(&in, 65449);
	if (one_in(6))
		damage(in.data, &in.len, 12, in.hlen, 65449, 4);
	if (in.len < 14)
		in.len = 14;
	io_transmit(&in);
	packets++;
}

static void one_round(bool netlink)
{
	struct packet *p;
	unsigned int i;

	switch (rnd(20)) {
	case 0:
		p = packet_new();
		packet_icmp(p);
		if (one_in(3))
			packet_damage(p);
		pool_add(p);
		break;
	case 1:
	case 2:
	case 3:
		transmit_some();
		break;
	case 4:
		stt_sysctl("reasm_max_frames_per_flow", 1 + rnd(12));
		break;
	default:
		send_random_frame();
	}
	for (i = rnd(16); i && pool_count(); i--)
		inject_one();
	if (netlink) {
		for (i = rnd(3); i; i--, messages++)
			netlink_random();
	}
}

static bool empty(void)
{
	return !stt_counter("reasm_mem") && !stt_counter("reasm_queues");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "netlink", no_argument, NULL, 'n' },
		{ }
	};
	unsigned long seconds = 10, limit = -1ul;
	u32 serial = 0;
	bool netlink = false;
	time_t end, said;
	int c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			limit = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			netlink = true;
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: %s --seed N [--seconds N | --rounds N] [--netlink] SINK\n",
			argv[0]);
		return 2;
	}
	rng_seed(seed);
	io_open(argv[optind]);
	if (netlink)
		netlink_open();
	stt_sysctl("reasm_high_thresh", HIGH_THRESH);
	stt_sysctl("reasm_time_ms", TIME_MS);

	end = time(NULL) + seconds;
	said = time(NULL);
	for (; rounds < limit && (limit != -1ul || time(NULL) < end);
	     rounds++) {
		one_round(netlink);
		if (rounds % 16 == 15) {
			honest_round(serial++);
			check_memory();
		}
		if (time(NULL) >= said + 60) {
			said = time(NULL);
			printf("# seed %lu: round %lu, %lu packets, %lu honest frames\n",
			       seed, rounds, packets, frames);
		}
	}
	inject_all();
	if (netlink)
		netlink_clean();
	for (end = time(NULL) + PATIENCE; !empty();) {
		if (time(NULL) > end)
			die("not empty in the end: %ld bytes in %ld frames",
			    stt_counter("reasm_mem"),
			    stt_counter("reasm_queues"));
		poll(NULL, 0, 100);
	}
	printf("# seed %lu: %lu rounds, %lu packets, %lu messages, %lu honest frames arrived\n",
	       seed, rounds, packets, messages, frames);

	return 0;
}
