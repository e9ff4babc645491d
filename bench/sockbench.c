// SPDX-License-Identifier: GPL-2.0
/*
 * sockbench - what iperf3 cannot measure
 *
 *	sockbench rr-server PORT
 *	sockbench rr ADDR PORT SECONDS		one-byte ping-pong over TCP
 *	sockbench udp-server PORT [ROOM]	counts until an empty datagram
 *	sockbench udp ADDR PORT SIZE SECONDS [SEGMENT]
 *						datagrams as fast as they go
 *	sockbench mark 0|1			see below
 *
 * rr prints transactions a second, udp the datagrams sent and the seconds it
 * took, udp-server the bytes that arrived.  With SEGMENT the kernel cuts what
 * udp sends into datagrams of that many bytes; ROOM is the receive buffer.
 *
 * Where measuring begins and ends, an instruction is executed that does
 * nothing: bench/insn.c, a plugin of QEMU's, knows it by its bytes.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP		500

static void mark(int on)
{
	/* nopl disp32(%rax), "STT0" or "STT1" in place of the address */
	if (on)
		__asm__ volatile(".byte 0x0f,0x1f,0x80,0x53,0x54,0x54,0x31");
	else
		__asm__ volatile(".byte 0x0f,0x1f,0x80,0x53,0x54,0x54,0x30");
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int open_socket(const char *addr, const char *port, int type)
{
	struct addrinfo hints = {
		.ai_flags = addr ? 0 : AI_PASSIVE,
		.ai_family = addr ? AF_UNSPEC : AF_INET6,
		.ai_socktype = type,
	}, *ai;
	int fd, one = 1;

	if (getaddrinfo(addr, port, &hints, &ai))
		die("getaddrinfo");
	fd = socket(ai->ai_family, type, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (addr) {
		if (connect(fd, ai->ai_addr, ai->ai_addrlen))
			die("connect");
	} else if (bind(fd, ai->ai_addr, ai->ai_addrlen)) {
		die("bind");
	}
	freeaddrinfo(ai);

	return fd;
}

static void rr_server(const char *port)
{
	int listener = open_socket(NULL, port, SOCK_STREAM);

	if (listen(listener, 1))
		die("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL), one = 1;
		char c;

		if (fd < 0)
			die("accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
			;
		close(fd);
	}
}

static void rr_once(int fd)
{
	char c = 0;

	if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
		die("rr");
}

static void rr(const char *addr, const char *port, double seconds)
{
	int fd = open_socket(addr, port, SOCK_STREAM), one = 1, i;
	unsigned long n = 0;
	double start, t;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (i = 0; i < WARM_UP; i++)
		rr_once(fd);
	mark(1);
	start = now();
	do {
		for (i = 0; i < 16; i++)
			rr_once(fd);
		n += 16;
		t = now() - start;
	} while (t < seconds);
	mark(0);
	printf("%.1f\n", n / t);
}

static void udp_server(const char *port, int room)
{
	int fd = open_socket(NULL, port, SOCK_DGRAM);
	static char buf[65536];
	unsigned long bytes = 0;
	ssize_t len;

	if (room && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room,
			       sizeof(room)))
		die("SO_RCVBUFFORCE");
	while ((len = recv(fd, buf, sizeof(buf), 0)) > 0)
		bytes += len;
	printf("%lu\n", bytes);
}

static void udp(const char *addr, const char *port, size_t size,
		double seconds, int segment)
{
	int fd = open_socket(addr, port, SOCK_DGRAM), i;
	static char buf[65536];
	unsigned long n = 0;
	double start, t;

	if (segment && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment,
				  sizeof(segment)))
		die("UDP_SEGMENT");
	mark(1);
	start = now();
	do {
		for (i = 0; i < 16; i++)
			if (send(fd, buf, size, 0) == (ssize_t)size)
				n++;
		t = now() - start;
	} while (t < seconds);
	mark(0);
	/* Whatever is on the way arrives before the end does. */
	usleep(100000);
	for (i = 0; i < 3; i++)
		send(fd, buf, 0, 0);
	printf("%lu %.6f\n", n, t);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "rr-server") && argc == 3)
		rr_server(argv[2]);
	else if (!strcmp(what, "rr") && argc == 5)
		rr(argv[2], argv[3], atof(argv[4]));
	else if (!strcmp(what, "udp-server") && (argc == 3 || argc == 4))
		udp_server(argv[2], argc == 4 ? atoi(argv[3]) : 0);
	else if (!strcmp(what, "udp") && (argc == 6 || argc == 7))
		udp(argv[2], argv[3], atoi(argv[4]), atof(argv[5]),
		    argc == 7 ? atoi(argv[6]) : 0);
	else if (!strcmp(what, "mark") && argc == 3)
		mark(atoi(argv[2]));
	else
		return 2;

	return 0;
}
