// SPDX-License-Identifier: GPL-2.0
/*
 * Stands between ip and the kernel, preloaded by test-args.sh, so that the
 * options' encoding and printing can be checked without a module, a namespace
 * or any privilege.
 *
 *   $NL_SAVE	an RTM_NEWLINK request is not sent.  It is left in this file
 *		and its IFLA_INFO_DATA is printed as "type=hex" words, in the
 *		order in which the attributes stand.
 *   $NL_SHOW	a question about the device named in this file, which an
 *		earlier run saved, is answered with that request, as if the
 *		kernel had made the device just so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define ATTR_TYPE(rta)	((rta)->rta_type & NLA_TYPE_MASK)

#define IFINDEX		4711	/* the device's, when shown */

static struct {
	struct nlmsghdr n;
	char payload[4096];
} answer;
static int answer_pending;	/* answer belongs to the next recvmsg() */

static void *real(const char *name)
{
	void *func = dlsym(RTLD_NEXT, name);

	if (!func)
		abort();
	return func;
}

static void die(const char *what)
{
	perror(what);
	exit(99);
}

static const struct rtattr *find(const struct rtattr *rta, int len, int type)
{
	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len))
		if (ATTR_TYPE(rta) == type)
			return rta;
	return NULL;
}

static const struct rtattr *find_in_link(const struct nlmsghdr *n, int type)
{
	return find(IFLA_RTA(NLMSG_DATA(n)), IFLA_PAYLOAD(n), type);
}

static void print_info_data(const struct nlmsghdr *n)
{
	const struct rtattr *data = NULL, *info, *rta;
	const char *sep = "";
	int len;

	info = find_in_link(n, IFLA_LINKINFO);
	if (info)
		data = find(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_INFO_DATA);
	if (!data)
		return;

	len = RTA_PAYLOAD(data);
	for (rta = RTA_DATA(data); RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		const unsigned char *byte = RTA_DATA(rta);
		unsigned int i;

		printf("%s%u=", sep, ATTR_TYPE(rta));
		for (i = 0; i < RTA_PAYLOAD(rta); i++)
			printf("%02x", byte[i]);
		sep = " ";
	}
	puts("");
}

static void save(const struct nlmsghdr *n, const char *file)
{
	FILE *f = fopen(file, "w");

	if (!f || fwrite(n, n->nlmsg_len, 1, f) != 1 || fclose(f))
		die(file);
	print_info_data(n);
	exit(0);
}

static void load(const char *file)
{
	FILE *f = fopen(file, "r");
	size_t len;

	if (!f)
		die(file);
	len = fread(&answer, 1, sizeof(answer), f);
	fclose(f);
	if (len < sizeof(answer.n) || !NLMSG_OK(&answer.n, len))
		die(file);
}

static int asks_for_answer(const struct nlmsghdr *n)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(n);
	const struct rtattr *asked, *ours;

	if (n->nlmsg_type != RTM_GETLINK || n->nlmsg_flags & NLM_F_DUMP)
		return 0;
	if (ifi->ifi_index == IFINDEX)
		return 1;
	asked = find_in_link(n, IFLA_IFNAME);
	ours = find_in_link(&answer.n, IFLA_IFNAME);
	return asked && ours && !strcmp(RTA_DATA(asked), RTA_DATA(ours));
}

static void prepare_answer(int fd, const struct nlmsghdr *request)
{
	struct ifinfomsg *ifi = NLMSG_DATA(&answer.n);
	struct sockaddr_nl self;
	socklen_t len = sizeof(self);

	if (getsockname(fd, (struct sockaddr *)&self, &len))
		die("getsockname");
	answer.n.nlmsg_flags = 0;
	answer.n.nlmsg_seq = request->nlmsg_seq;
	answer.n.nlmsg_pid = self.nl_pid;
	ifi->ifi_index = IFINDEX;
	ifi->ifi_type = ARPHRD_ETHER;
	answer_pending = 1;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t (*next)(int fd, const struct msghdr *msg, int flags);
	const struct nlmsghdr *n = msg->msg_iov[0].iov_base;
	const char *file;

	file = getenv("NL_SAVE");
	if (file && n->nlmsg_type == RTM_NEWLINK)
		save(n, file);

	file = getenv("NL_SHOW");
	if (file) {
		load(file);
		if (asks_for_answer(n)) {
			prepare_answer(fd, n);
			return n->nlmsg_len;
		}
	}

	next = real("sendmsg");
	return next(fd, msg, flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*next)(int fd, struct msghdr *msg, int flags);
	size_t len = answer.n.nlmsg_len;

	if (!answer_pending) {
		next = real("recvmsg");
		return next(fd, msg, flags);
	}

	/* ip peeks for the length first, with no room for the message */
	if (!(flags & MSG_PEEK))
		answer_pending = 0;
	memset(msg->msg_name, 0, msg->msg_namelen);
	msg->msg_flags = 0;
	if (len > msg->msg_iov[0].iov_len)
		len = msg->msg_iov[0].iov_len;
	memcpy(msg->msg_iov[0].iov_base, &answer, len);
	return answer.n.nlmsg_len;
}
