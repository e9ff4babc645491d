// SPDX-License-Identifier: GPL-2.0
/*
 * How packets go in and come out: taps, with and without NAPI, one that lets
 * us say which bytes are a page fragment; links whose other end cuts what is
 * too large and merges it again; packet sockets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* Ways in. */
enum { TAP, TAP_NAPI, TAP_FRAGS, VETH_SG, VETH_COPY, WAYS };

static struct {
	int	fd;
	int	ifindex;
	u8	mac[6];
} way[WAYS];

/* Ways out: how what is delivered is cut differs. */
static const char *const sinks[] = { "va1", "vb1", "vc1" };

static int sink_fd[ARRAY_SIZE(sinks)], tx_fd, tx_ifindex;
static unsigned int arrived[ARRAY_SIZE(sinks)];

static void mac_of(int sock, const char *dev, u8 *mac)
{
	struct ifreq ifr = { };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (ioctl(sock, SIOCGIFHWADDR, &ifr))
		die("%s: %s", dev, strerror(errno));
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
}

static int index_of(int sock, const char *dev)
{
	struct ifreq ifr = { };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (ioctl(sock, SIOCGIFINDEX, &ifr))
		die("%s: %s", dev, strerror(errno));

	return ifr.ifr_ifindex;
}

static void open_tap(int i, const char *name, int flags)
{
	struct ifreq ifr = { };
	int sock;

	way[i].fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags;
	if (way[i].fd < 0 || ioctl(way[i].fd, TUNSETIFF, &ifr))
		die("%s: %s", name, strerror(errno));
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	ifr.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr))
		die("%s: up: %s", name, strerror(errno));
	mac_of(sock, name, way[i].mac);
	close(sock);
}

/* A packet socket that takes virtio headers. */
static int packet_socket(void)
{
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
				 sizeof(one)))
		die("packet socket: %s", strerror(errno));

	return fd;
}

static int sink_socket(const char *dev)
{
	u32 mac = get32(honest_mac);
	/* Only what has an honest source address. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mac, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	int one = 1, size = 64 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	ll.sll_ifindex = index_of(fd, dev);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		       sizeof(prog)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die("%s: %s", dev, strerror(errno));

	return fd;
}

/**
 * io_open - open everything
 * @sink: the other namespace
 */
void io_open(const char *sink)
{
	char path[256];
	int here, there;
	unsigned int i;

	open_tap(TAP, "t0", 0);
	open_tap(TAP_NAPI, "t1", IFF_NAPI);
	open_tap(TAP_FRAGS, "t2", IFF_NAPI | IFF_NAPI_FRAGS);
	tx_fd = packet_socket();
	tx_ifindex = index_of(tx_fd, "sttx");
	mac_of(tx_fd, "br0", macs[0]);
	mac_of(tx_fd, "u0", way[VETH_SG].mac);
	mac_of(tx_fd, "w0", way[VETH_COPY].mac);

	snprintf(path, sizeof(path), "/run/netns/%s", sink);
	here = open("/proc/self/ns/net", O_RDONLY);
	there = open(path, O_RDONLY);
	if (here < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die("%s: %s", path, strerror(errno));
	for (i = 0; i < ARRAY_SIZE(sinks); i++)
		sink_fd[i] = sink_socket(sinks[i]);
	way[VETH_SG].fd = packet_socket();
	way[VETH_SG].ifindex = index_of(way[VETH_SG].fd, "u1");
	way[VETH_COPY].fd = packet_socket();
	way[VETH_COPY].ifindex = index_of(way[VETH_COPY].fd, "w1");
	mac_of(tx_fd, "sttx", macs[2]);
	mac_of(sink_fd[0], "va1", macs[1]);
	if (setns(here, CLONE_NEWNET))
		die("back from %s: %s", path, strerror(errno));
}

/* Send by a packet socket, which says so when it does not like a packet. */
static ssize_t send_by(int fd, int ifindex, const u8 *vnet, const u8 *data,
		       unsigned int len)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_ifindex = ifindex,
		.sll_protocol = len >= 14 ? htons(get16(data + 12)) : 0,
		.sll_halen = 6,
	};
	struct iovec iov[] = {
		{ (void *)vnet, 10 }, { (void *)data, len },
	};
	struct msghdr msg = {
		.msg_name = &ll,
		.msg_namelen = sizeof(ll),
		.msg_iov = iov,
		.msg_iovlen = ARRAY_SIZE(iov),
	};

	return sendmsg(fd, &msg, 0);
}

/*
 * The first piece becomes the linear part, the others page fragments, of at
 * most a page each.
 */
static ssize_t inject_frags(const u8 *vnet, u8 *data, unsigned int len)
{
	struct iovec iov[17] = { { (void *)vnet, 10 } };
	unsigned int off = 0, n = 1;

	while (off < len) {
		unsigned int size = one_in(2) ? 4096 : 1 + rnd_size(4095);
		unsigned int left = ARRAY_SIZE(iov) - n;

		if (n == 1 && size < 14)
			size = 14 + rnd(100);
		if (left * 4096 < len - off + 4096 || size > 4096)
			size = 4096;
		if (size > len - off)
			size = len - off;
		if (n == ARRAY_SIZE(iov))
			return -1;
		iov[n].iov_base = data + off;
		iov[n++].iov_len = size;
		off += size;
	}

	return writev(way[TAP_FRAGS].fd, iov, n);
}

/**
 * io_inject - let a packet come in, some way or other
 * @p: packet; its link addresses are filled in
 */
void io_inject(const struct packet *p)
{
	static u8 data[MAX_PACKET];
	static const u8 plain[10];
	const u8 *vnet = p->vnet;
	int i = rnd(WAYS);
	struct iovec iov[2];
	ssize_t done;

	/* Fragments of a page each: no more than they can hold. */
	if (i == TAP_FRAGS && p->len > 15 * 4096)
		i = TAP;
	/* Not above what a link takes that does not cut. */
	if (i >= VETH_SG && !vnet[1] && p->len > 65535)
		i = TAP;
	memcpy(data, p->data, p->len);
	memcpy(data, way[i].mac, 6);
	if (!p->honest && one_in(100))
		data[0] ^= 1;
	memcpy(data + 6, "\x02\0\0\0\0\x09", 6);
	if (!p->honest && one_in(50))
		vnet = plain;

	switch (i) {
	case TAP:
	case TAP_NAPI:
		iov[0] = (struct iovec){ (void *)vnet, 10 };
		iov[1] = (struct iovec){ data, p->len };
		done = writev(way[i].fd, iov, 2);
		break;
	case TAP_FRAGS:
		done = inject_frags(vnet, data, p->len);
		break;
	default:
		done = send_by(way[i].fd, way[i].ifindex, vnet, data, p->len);
	}
	/* What is damaged may be refused before it is sent. */
	if (done < 0 && p->honest)
		die("way %d, %u bytes: %s", i, p->len, strerror(errno));
}

/**
 * io_transmit - let the module send an inner packet, with offloads
 * @in: packet
 */
void io_transmit(const struct inner *in)
{
	static const u8 kinds[] = { 0, 1, 4, 3, 5, 0x81, 0x84 };
	u16 hdr_len = in->hlen, size = 0, start = 0, off = 0;
	u8 vnet[10] = { }, kind = 0;

	if (in->l4 && in->partial) {
		vnet[0] = 1;
		start = in->l4;
		off = in->tcp ? 16 : 6;
		if (one_in(2)) {
			kind = in->tcp ? in->v4 ? 1 : 4 : 5;
			size = 1 + rnd(1500);
		}
	}
	if (one_in(20)) {
		kind = kinds[rnd(ARRAY_SIZE(kinds))];
		size = rnd_size(65535);
	}
	/* Also where there is no checksum, or what moves when a tag goes. */
	if (one_in(10))
		start = rnd(one_in(2) ? 24 : in->len);
	if (one_in(20))
		off = rnd(20);
	if (one_in(6))
		hdr_len = rnd(in->len);
	/* One that would become thousands of packets takes its time. */
	if (size && in->len / size > 100)
		size = 700;
	vnet[1] = kind;
	memcpy(vnet + 2, &hdr_len, 2);
	memcpy(vnet + 4, &size, 2);
	memcpy(vnet + 6, &start, 2);
	memcpy(vnet + 8, &off, 2);
	send_by(tx_fd, tx_ifindex, vnet, in->data, in->len);
}

/* ---- what arrives ------------------------------------------------------ */

/* Bytes of @serial's payload that a packet brings; what is wrong ends it. */
static unsigned int honest_bytes(const char *dev, u32 serial, bool tcp,
				 const u8 *p, unsigned int len)
{
	unsigned int off = 0, at = 18, end = len, i;
	u32 who;

	if (get16(p + 12) == 0x88b5 && !p[11]) {
		who = get32(p + 14);
	} else if ((get16(p + 12) == 0x0800 || get16(p + 12) == 0x86dd) &&
		   p[11] == 1) {
		unsigned int l4 = get16(p + 12) == 0x0800 ? 34 : 54;

		end = l4 == 34 ? 14 + get16(p + 16) : 54 + get16(p + 18);
		/* A GSO packet of 64 KB is longer than IPv6 can say. */
		if (end > len)
			die("%s: %u bytes of %u", dev, len, end);
		who = get16(p + l4) | (u32)get16(p + l4 + 2) << 16;
		off = get32(p + l4 + 4);
		at = l4 + (p[l4 + 12] >> 4) * 4;
	} else {
		die("%s: an honest packet of type %04x", dev, get16(p + 12));
	}
	if (who != serial || p[11] != tcp)
		die("%s: packet %u where %u was sent: twice, or damaged", dev,
		    who, serial);
	for (i = at; i < end; i++)
		if (p[i] != honest_byte(serial, off + i - at))
			die("%s: packet %u: byte %u differs", dev, serial,
			    off + i - at);

	return end - at;
}

static void drain(u32 serial, bool tcp)
{
	static u8 buf[MAX_PACKET];
	unsigned int i;
	ssize_t len;

	for (i = 0; i < ARRAY_SIZE(sinks); i++)
		while ((len = recv(sink_fd[i], buf, sizeof(buf), 0)) > 0)
			arrived[i] += honest_bytes(sinks[i], serial, tcp, buf,
						   len);
}

/**
 * io_honest_arrived - wait until an honest packet is out everywhere
 * @serial: its number
 * @bytes: of its payload
 * @tcp: it may come in several
 * @patience: how long to wait, seconds
 *
 * Return: false if it did not all come.
 */
bool io_honest_arrived(u32 serial, unsigned int bytes, bool tcp,
		       unsigned int patience)
{
	time_t end = time(NULL) + patience;
	unsigned int i, missing;

	memset(arrived, 0, sizeof(arrived));
	do {
		missing = 0;
		drain(serial, tcp);
		for (i = 0; i < ARRAY_SIZE(sinks); i++) {
			if (arrived[i] > bytes)
				die("%s: packet %u twice", sinks[i], serial);
			missing += bytes - arrived[i];
		}
		if (!missing)
			return true;
		poll(NULL, 0, 10);
	} while (time(NULL) <= end);
	for (i = 0; i < ARRAY_SIZE(sinks); i++)
		printf("# %s: %u of %u bytes of packet %u\n", sinks[i],
		       arrived[i], bytes, serial);

	return false;
}

/* A value of /proc/net/stt; -1 for a name that is not there. */
long stt_counter(const char *name)
{
	FILE *f = fopen("/proc/self/net/stt", "r");
	long v, found = -1;
	char n[64];

	if (!f)
		die("/proc/net/stt: %s", strerror(errno));
	while (fscanf(f, "%63s %ld", n, &v) == 2)
		if (!strcmp(n, name))
			found = v;
	fclose(f);

	return found;
}

void stt_sysctl(const char *name, unsigned long value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/stt/%s", name);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%lu\n", value) < 0 || fclose(f))
		die("%s: %s", path, strerror(errno));
}
