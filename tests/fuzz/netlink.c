// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to rtnetlink: links of our kind made, changed and deleted, with
 * attributes that are right, of another length, out of range, repeated, nested
 * or of no meaning; entries of their forwarding databases; dumps.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_stt.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

#define LINKS	6

static int nl_fd;
static u32 nl_seq;

static struct {
	struct nlmsghdr	h;
	u8		data[65536];
} msg;

void netlink_open(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	int size = 1 << 20;

	nl_fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (nl_fd < 0 || bind(nl_fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("netlink: %s", strerror(errno));
	setsockopt(nl_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void *tail(unsigned int len)
{
	void *p = (u8 *)&msg + NLMSG_ALIGN(msg.h.nlmsg_len);

	msg.h.nlmsg_len = NLMSG_ALIGN(msg.h.nlmsg_len) + len;
	memset(p, 0, NLMSG_ALIGN(len));

	return p;
}

static struct nlattr *attr(unsigned int type, const void *value,
			   unsigned int len)
{
	struct nlattr *a = tail(NLA_HDRLEN + len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy(a + 1, value, len);

	return a;
}

static void nest_end(struct nlattr *a)
{
	a->nla_len = (u8 *)&msg + msg.h.nlmsg_len - (u8 *)a;
}

static void attr8(unsigned int type, u8 v)
{
	attr(type, &v, 1);
}

static void attr32(unsigned int type, u32 v)
{
	attr(type, &v, 4);
}

static void random_address(u8 *to, bool v6)
{
	static const u8 net4[] = { 192, 0, 2, 0 };
	static const u8 net6[16] = { 0x20, 1, 0xd, 0xb8 };

	memcpy(to, v6 ? net6 : net4, v6 ? 16 : 4);
	to[v6 ? 15 : 3] = 1 + rnd(20);
	if (one_in(10))
		rnd_fill(to, v6 ? 16 : 4);
	if (one_in(10))
		to[0] = v6 ? 0xff : 224 + rnd(32);
	if (one_in(20))
		memset(to, 0, v6 ? 16 : 4);
	if (v6 && one_in(10)) {
		to[0] = 0xfe;
		to[1] = 0x80;
	}
}

/* An attribute of a link of our kind, with a value that makes sense. */
static void stt_attr(unsigned int type, bool v6)
{
	u8 addr[16], flag = rnd(20) ? rnd(2) : rnd(256);
	u64 id = one_in(4) ? rnd(4) : (u64)rnd(1u << 31) << rnd(33);
	u16 range[2];
	u16 port = htons(one_in(3) ? 7471 : 7480 + rnd(4));

	random_address(addr, v6);
	switch (type) {
	case IFLA_STT_PORT:
		attr(type, &port, 2);
		break;
	case IFLA_STT_ID:
		attr(type, &id, 8);
		break;
	case IFLA_STT_REMOTE:
	case IFLA_STT_REMOTE6:
		attr(v6 ? IFLA_STT_REMOTE6 : IFLA_STT_REMOTE, addr,
		     v6 ? 16 : 4);
		break;
	case IFLA_STT_LOCAL:
	case IFLA_STT_LOCAL6:
		addr[v6 ? 15 : 3] = 2;
		attr(v6 ? IFLA_STT_LOCAL6 : IFLA_STT_LOCAL, addr, v6 ? 16 : 4);
		break;
	case IFLA_STT_LINK:
		attr32(type, 1 + rnd(12));
		break;
	case IFLA_STT_PORT_RANGE:
		range[0] = htons(rnd(65536));
		range[1] = htons(one_in(4) ? rnd(65536) :
				 ntohs(range[0]) + rnd(65536 - ntohs(range[0])));
		attr(type, range, 4);
		break;
	case IFLA_STT_TTL:
	case IFLA_STT_TOS:
	case IFLA_STT_IDBITS:
		attr8(type, rnd(256));
		break;
	case IFLA_STT_DF:
		attr8(type, rnd(4));
		break;
	case IFLA_STT_LABEL:
		attr32(type, htonl(rnd(1 << 20)));
		break;
	case IFLA_STT_LABEL_POLICY:
		attr32(type, rnd(3));
		break;
	case IFLA_STT_FWMARK:
	case IFLA_STT_AGEING:
	case IFLA_STT_LIMIT:
		attr32(type, one_in(2) ? rnd(300) : rnd(1u << 31) * 2);
		break;
	default:
		attr8(type, flag);
	}
}

/* One that makes none. */
static void odd_attr(unsigned int most)
{
	static u8 garbage[512];
	unsigned int len = one_in(8) ? rnd(sizeof(garbage)) : rnd(20);
	unsigned int flags = one_in(4) ? NLA_F_NESTED : 0;
	struct nlattr *a;

	if (one_in(8))
		flags |= NLA_F_NET_BYTEORDER;
	rnd_fill(garbage, len);
	a = attr(rnd(most) | flags, garbage, len);
	if (one_in(20))
		a->nla_len = rnd(2 * len + 8);
}

static void stt_attrs(void)
{
	bool v6 = one_in(2);
	unsigned int n = rnd(8);
	struct nlattr *data = attr(IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);

	if (!one_in(8)) {
		stt_attr(IFLA_STT_ID, v6);
		if (!one_in(3))
			stt_attr(IFLA_STT_REMOTE, v6);
	}
	while (n--) {
		if (one_in(6))
			odd_attr(IFLA_STT_MAX + 6);
		else
			stt_attr(1 + rnd(IFLA_STT_MAX),
				 one_in(10) ? !v6 : v6);
	}
	nest_end(data);
}

static void start(unsigned int type, unsigned int flags)
{
	memset(&msg.h, 0, sizeof(msg.h));
	msg.h.nlmsg_len = NLMSG_HDRLEN;
	msg.h.nlmsg_type = type;
	msg.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg.h.nlmsg_seq = ++nl_seq;
}

static void link_name(char *name)
{
	snprintf(name, IFNAMSIZ, "z%u", rnd(LINKS));
}

/* Only links of this file: the test needs the others. */
static void start_link(unsigned int type, unsigned int flags)
{
	struct ifinfomsg *ifm;
	char name[IFNAMSIZ];

	link_name(name);
	start(type, flags);
	ifm = tail(sizeof(*ifm));
	if (one_in(3)) {
		ifm->ifi_flags = one_in(4) ? 0 : IFF_UP;
		ifm->ifi_change = IFF_UP;
	}
	attr(IFLA_IFNAME, name, strlen(name) + 1);
}

static void link_attrs(void)
{
	u8 mac[6] = { 2, 0, 0, 0, rnd(256), rnd(256) };

	if (one_in(4))
		attr32(IFLA_MTU, one_in(2) ? rnd(66000) : rnd(2000));
	if (one_in(6))
		attr(IFLA_ADDRESS, mac, one_in(8) ? rnd(7) : 6);
	if (one_in(10))
		attr32(IFLA_LINK, rnd(12));
	if (one_in(20))
		attr32(IFLA_LINK_NETNSID, rnd(4) - 1);
	if (one_in(10))
		attr32(IFLA_GSO_MAX_SIZE, rnd(70000));
	if (one_in(10))
		attr32(IFLA_NUM_TX_QUEUES, rnd(6));
	if (one_in(30))
		odd_attr(60);
}

static void link_message(unsigned int flags)
{
	struct nlattr *info;

	start_link(RTM_NEWLINK, flags);
	link_attrs();
	info = attr(IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
	attr(IFLA_INFO_KIND, "stt", one_in(30) ? 2 : 4);
	if (!one_in(20))
		stt_attrs();
	if (one_in(40))
		odd_attr(10);
	nest_end(info);
}

/* That of the library cannot be had beside the kernel's headers. */
static int link_index(const char *name)
{
	struct ifreq ifr = { };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		ifr.ifr_ifindex = 0;
	close(fd);

	return ifr.ifr_ifindex;
}

static void neighbour_message(void)
{
	static const unsigned int types[] = { RTM_NEWNEIGH, RTM_NEWNEIGH,
					      RTM_NEWNEIGH, RTM_DELNEIGH,
					      RTM_GETNEIGH };
	unsigned int type = types[rnd(ARRAY_SIZE(types))];
	u8 mac[6] = { 2, 0, 0, 0, 0, rnd(4) }, addr[16];
	bool v6 = one_in(3);
	u16 port = htons(7471 + rnd(3));
	struct ndmsg *ndm;
	char name[IFNAMSIZ];

	link_name(name);
	start(type, one_in(2) ? NLM_F_CREATE | NLM_F_APPEND :
	      one_in(2) ? NLM_F_CREATE | NLM_F_REPLACE :
	      NLM_F_CREATE | NLM_F_EXCL);
	if (type == RTM_GETNEIGH && one_in(2))
		msg.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (type == RTM_DELNEIGH && one_in(3))
		msg.h.nlmsg_flags |= NLM_F_BULK;
	ndm = tail(sizeof(*ndm));
	ndm->ndm_family = one_in(10) ? AF_INET : AF_BRIDGE;
	ndm->ndm_ifindex = link_index(name);
	ndm->ndm_state = one_in(4) ? rnd(65536) : NUD_PERMANENT;
	ndm->ndm_flags = one_in(4) ? rnd(256) : NTF_SELF;
	if (one_in(4))
		memset(mac, 0, 6);
	attr(NDA_LLADDR, mac, one_in(20) ? rnd(8) : 6);
	random_address(addr, v6);
	if (!one_in(4))
		attr(NDA_DST, addr, one_in(20) ? rnd(17) : v6 ? 16 : 4);
	if (one_in(3))
		attr(NDA_PORT, &port, 2);
	if (one_in(3))
		attr32(NDA_VNI, rnd(1 << 25));
	if (one_in(4))
		attr32(NDA_IFINDEX, rnd(12));
	if (one_in(6))
		attr32(NDA_NH_ID, rnd(4));
	if (one_in(10))
		odd_attr(NDA_MAX + 2);
}

/* Send the message, and read whatever is said of it. */
static void talk(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	static u8 buf[1 << 16];
	ssize_t len;

	/* Now and then not even the message is one. */
	if (one_in(50)) {
		unsigned int n = msg.h.nlmsg_len;

		damage((u8 *)&msg, &n, NLMSG_HDRLEN +
		       sizeof(struct ifinfomsg) + NLA_HDRLEN + 4, n,
		       sizeof(msg) - 16, 3);
		msg.h.nlmsg_len = n;
	}
	if (sendto(nl_fd, &msg, msg.h.nlmsg_len, 0, (struct sockaddr *)&sa,
		   sizeof(sa)) < 0)
		die("netlink: %s", strerror(errno));
	for (;;) {
		const struct nlmsghdr *h = (struct nlmsghdr *)buf;

		len = recv(nl_fd, buf, sizeof(buf), 0);
		if (len < 0 && errno == ENOBUFS)
			return;
		if (len < 0)
			die("netlink: %s", strerror(errno));
		for (; NLMSG_OK(h, (size_t)len); h = NLMSG_NEXT(h, len))
			if (h->nlmsg_seq == nl_seq &&
			    (h->nlmsg_type == NLMSG_ERROR ||
			     h->nlmsg_type == NLMSG_DONE))
				return;
	}
}

/**
 * netlink_random - one message, and the answer to it
 */
void netlink_random(void)
{
	struct rtgenmsg *gen;

	switch (rnd(12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		link_message(NLM_F_CREATE | (one_in(2) ? NLM_F_EXCL : 0));
		break;
	case 4:
	case 5:
	case 6:
		link_message(0);
		break;
	case 7:
	case 8:
		start_link(RTM_DELLINK, 0);
		break;
	case 9:
		start_link(RTM_GETLINK, 0);
		break;
	case 10:
		start(RTM_GETLINK, 0);
		msg.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		gen = tail(sizeof(struct ifinfomsg));
		gen->rtgen_family = AF_UNSPEC;
		break;
	case 11:
		neighbour_message();
	}
	talk();
}

/**
 * netlink_clean - delete what links were made
 */
void netlink_clean(void)
{
	unsigned int i;
	char name[IFNAMSIZ];

	for (i = 0; i < LINKS; i++) {
		start(RTM_DELLINK, 0);
		tail(sizeof(struct ifinfomsg));
		snprintf(name, sizeof(name), "z%u", i);
		attr(IFLA_IFNAME, name, strlen(name) + 1);
		talk();
	}
}
