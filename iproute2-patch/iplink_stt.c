// SPDX-License-Identifier: GPL-2.0
/*
 * STT device support: Stateless Transport Tunneling
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <linux/if_stt.h>

#include "rt_names.h"
#include "utils.h"
#include "ip_common.h"

/* What rtnetlink's request buffer holds, as in every other iplink_*.c. */
#define STT_MAXLEN		1024
#define STT_IDBITS_MAX		64
#define STT_WORD_MAX		31	/* longest option that one could mean */
#define STT_SEEN_REMOTE		62	/* beside attributes, in "seen" */
#define STT_SEEN_GROUP		63
#define STT_TOS_INHERIT		1
#define STT_TOS_ECN		3

/* Options that are one word and its negation: "proxy" and "noproxy". */
static const struct stt_flag {
	int		attr;
	const char	*name;
	bool		dfl;	/* on unless told */
} stt_flags[] = {
	{ IFLA_STT_COLLECT_METADATA,	"external",	false },
	{ IFLA_STT_PARTIAL,		"partial",	true },
	{ IFLA_STT_LEARNING,		"learning",	true },
	{ IFLA_STT_PROXY,		"proxy",	false },
	{ IFLA_STT_L2MISS,		"l2miss",	false },
	{ IFLA_STT_L3MISS,		"l3miss",	false },
	{ IFLA_STT_LOCALBYPASS,		"localbypass",	true },
	{ IFLA_STT_GBP,			"gbp",		false },
};

/* Options that take values. */
static const char * const stt_options[] = {
	"id", "key", "remote", "group", "local", "dev", "dstport", "srcport",
	"ttl", "hoplimit", "tos", "dsfield", "df", "flowlabel", "label",
	"fwmark", "idbits", "ageing", "maxaddress",
};

/* Names that other link types and programs have for ours. */
static const struct stt_alias {
	const char	*said;
	const char	*meant;
} stt_aliases[] = {
	{ "vni",	"id" },
	{ "vnid",	"id" },
	{ "vsid",	"id" },
	{ "port",	"dstport" },
	{ "dport",	"dstport" },
	{ "sport",	"srcport" },
	{ "peer",	"remote" },
	{ "dst",	"remote" },
	{ "remote_ip",	"remote" },
	{ "src",	"local" },
	{ "local_ip",	"local" },
	{ "link",	"dev" },
	{ "mark",	"fwmark" },
	{ "collect_metadata", "external" },
};

/* Options of "ip link" itself, which stand in front of the type. */
static const char * const stt_before_type[] = {
	"mtu", "address", "broadcast", "txqueuelen", "qlen", "txqlen", "master",
	"vrf", "netns", "link-netnsid", "alias", "name", "group_id", "up",
	"down", "multicast", "arp", "numtxqueues", "numrxqueues", "index",
	"gso_max_size", "gso_max_segs", "gro_max_size", "addrgenmode",
};

/* Indexed by enum ifla_stt_df. */
static const char * const stt_df_names[] = {
	[STT_DF_UNSET]		= "unset",
	[STT_DF_SET]		= "set",
	[STT_DF_INHERIT]	= "inherit",
};

static void print_explain(FILE *f)
{
	fprintf(f,
		"Usage: ... stt	[ { id | key } CONTEXT_ID ]\n"
		"		[ { remote | group } ADDR ]\n"
		"		[ local ADDR ]\n"
		"		[ dev PHYS_DEV ]\n"
		"		[ dstport PORT ]\n"
		"		[ srcport MIN MAX ]\n"
		"		[ ttl TTL ]\n"
		"		[ tos TOS ]\n"
		"		[ df DF ]\n"
		"		[ flowlabel LABEL ]\n"
		"		[ fwmark MARK ]\n"
		"		[ [no]partial ]\n"
		"		[ [no]external ] [ idbits BITS ]\n"
		"		[ [no]learning ]\n"
		"		[ ageing { SECONDS | none } ]\n"
		"		[ maxaddress { NUMBER | unlimited } ]\n"
		"		[ [no]proxy ]\n"
		"		[ [no]l2miss ]\n"
		"		[ [no]l3miss ]\n"
		"		[ [no]localbypass ]\n"
		"		[ [no]gbp ]\n"
		"\n"
		"Where:	CONTEXT_ID := 0-18446744073709551615\n"
		"	ADDR       := { IPV4_ADDRESS | IPV6_ADDRESS }\n"
		"	TTL        := { 1-255 | auto | inherit }\n"
		"	TOS        := { HEX | NAME | inherit }\n"
		"	DF         := { unset | set | inherit }\n"
		"	LABEL      := { 0-1048575 | inherit }\n"
		"	BITS       := 1-64\n"
	);
}

static void explain(void)
{
	print_explain(stderr);
}

static void check_duparg(__u64 *seen, int attr, const char *key,
			 const char *arg)
{
	if (*seen & (1ULL << attr))
		duparg2(key, arg);
	*seen |= 1ULL << attr;
}

/* How many letters are wrong, missing, too many, or exchanged? */
static unsigned int stt_distance(const char *a, const char *b)
{
	unsigned int row[3][STT_WORD_MAX + 1];
	unsigned int i, j, la = strlen(a), lb = strlen(b);

	if (la > STT_WORD_MAX || lb > STT_WORD_MAX)
		return STT_WORD_MAX;
	for (i = 0; i <= la; i++) {
		unsigned int *now = row[i % 3], *up = row[(i + 2) % 3];

		now[0] = i;
		for (j = 1; j <= lb; j++) {
			if (!i) {
				now[j] = j;
				continue;
			}
			now[j] = up[j - 1] + (a[i - 1] != b[j - 1]);
			if (up[j] + 1 < now[j])
				now[j] = up[j] + 1;
			if (now[j - 1] + 1 < now[j])
				now[j] = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    row[(i + 1) % 3][j - 2] + 1 < now[j])
				now[j] = row[(i + 1) % 3][j - 2] + 1;
		}
	}
	return row[la % 3][lb];
}

/* Is @word more like @arg than what was at @best letters from it? */
static bool stt_nearer(const char *arg, const char *word, unsigned int *best)
{
	unsigned int len = strlen(arg);
	unsigned int d = stt_distance(arg, word);

	if (len > 2 && strncmp(arg, word, len) == 0)
		d = 0;
	if (d >= *best)
		return false;
	*best = d;
	return true;
}

/* The option of ours that is most like @arg, or NULL. */
static const char *stt_nearest(const char *arg)
{
	unsigned int best = strlen(arg) < 4 ? 2 : 3;
	const char *found = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stt_aliases); i++)
		if (strcmp(arg, stt_aliases[i].said) == 0)
			return stt_aliases[i].meant;
	for (i = 0; i < ARRAY_SIZE(stt_options); i++)
		if (stt_nearer(arg, stt_options[i], &best))
			found = stt_options[i];
	for (i = 0; i < ARRAY_SIZE(stt_flags); i++)
		if (stt_nearer(arg, stt_flags[i].name, &best))
			found = stt_flags[i].name;
	return found;
}

static void stt_unknown(const char *arg)
{
	const char *meant;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stt_before_type); i++) {
		if (strcmp(arg, stt_before_type[i]))
			continue;
		fprintf(stderr,
			"stt: \"%s\" is an option of \"ip link\": put it before \"type stt\".\n",
			arg);
		return;
	}
	fprintf(stderr, "stt: unknown option \"%s\"", arg);
	meant = stt_nearest(arg);
	if (meant)
		fprintf(stderr, ", did you mean \"%s\"?\n", meant);
	else
		fprintf(stderr, ". \"ip link help stt\" lists them all.\n");
}

/* strtoull() takes "-1" for the largest number: nobody means that. */
static __u64 stt_parse_id(const char *arg)
{
	__u64 id;

	errno = 0;
	if (strchr(arg, '-') || get_u64(&id, arg, 0))
		invarg("\"id\" must be a number of at most 64 bits", arg);
	return id;
}

/*
 * @attr is the attribute for IPv4, the next one is that for IPv6.  get_addr()
 * would leave the option's name out of its complaint.  Returns the family;
 * AF_UNSPEC for "any", which is of the family that the rest is of.
 */
static int stt_parse_addr(struct nlmsghdr *n, int attr, const char *arg,
			  bool multi, const char *msg)
{
	inet_prefix addr;

	if (!multi && strcmp(arg, "any") == 0)
		return AF_UNSPEC;

	inet_prefix_reset(&addr);
	if (get_addr_1(&addr, arg, preferred_family) ||
	    !(multi ? is_addrtype_inet_multi(&addr) :
		      is_addrtype_inet_not_multi(&addr)))
		invarg(msg, arg);

	if (addr.family == AF_INET)
		addattr_l(n, STT_MAXLEN, attr, addr.data,
			  sizeof(struct in_addr));
	else
		addattr_l(n, STT_MAXLEN, attr + 1, addr.data,
			  sizeof(struct in6_addr));
	return addr.family;
}

static void stt_add_any(struct nlmsghdr *n, int attr, int family)
{
	if (family == AF_INET6)
		addattr_l(n, STT_MAXLEN, attr + 1, &in6addr_any,
			  sizeof(in6addr_any));
	else
		addattr32(n, STT_MAXLEN, attr, 0);
}

static void stt_parse_srcport(struct nlmsghdr *n, const char *min,
			      const char *max)
{
	struct ifla_stt_port_range range;
	__u16 low, high;

	if (get_u16(&low, min, 0))
		invarg("\"srcport\" minimum must be a port number", min);
	if (get_u16(&high, max, 0))
		invarg("\"srcport\" maximum must be a port number", max);

	range.low = htons(low);
	range.high = htons(high);
	addattr_l(n, STT_MAXLEN, IFLA_STT_PORT_RANGE, &range, sizeof(range));
}

static void stt_parse_ttl(struct nlmsghdr *n, const char *arg)
{
	__u8 ttl = 0;

	if (strcmp(arg, "inherit") == 0) {
		addattr8(n, STT_MAXLEN, IFLA_STT_TTL_INHERIT, 1);
		return;
	}

	if (strcmp(arg, "auto") != 0 && get_u8(&ttl, arg, 0))
		invarg("\"ttl\" must be 1-255, \"auto\" or \"inherit\"", arg);
	addattr8(n, STT_MAXLEN, IFLA_STT_TTL, ttl);
}

static void stt_parse_tos(struct nlmsghdr *n, const char *arg)
{
	__u32 tos = STT_TOS_INHERIT;

	if (strcmp(arg, "inherit") != 0 &&
	    (rtnl_dsfield_a2n(&tos, arg) || tos > 255))
		invarg("\"tos\" must be 0x00-0xfc, a name or \"inherit\"",
		       arg);
	if (tos & STT_TOS_ECN && tos != STT_TOS_INHERIT)
		invarg("\"tos\" must leave the ECN bits 0, and is hexadecimal",
		       arg);
	addattr8(n, STT_MAXLEN, IFLA_STT_TOS, tos);
}

static void stt_parse_df(struct nlmsghdr *n, const char *arg)
{
	__u8 df;

	for (df = 0; df < ARRAY_SIZE(stt_df_names); df++) {
		if (strcmp(arg, stt_df_names[df]) == 0) {
			addattr8(n, STT_MAXLEN, IFLA_STT_DF, df);
			return;
		}
	}
	invarg("\"df\" must be \"unset\", \"set\" or \"inherit\"", arg);
}

/* A label says which policy is meant, or "inherit" could not be undone. */
static void stt_parse_label(struct nlmsghdr *n, const char *arg)
{
	__u32 policy = STT_LABEL_FIXED;
	__u32 label;

	if (strcmp(arg, "inherit") == 0) {
		policy = STT_LABEL_INHERIT;
	} else {
		if (get_u32(&label, arg, 0) || label & ~LABEL_MAX_MASK)
			invarg("\"flowlabel\" must be 0-1048575 or \"inherit\"",
			       arg);
		addattr32(n, STT_MAXLEN, IFLA_STT_LABEL, htonl(label));
	}
	addattr32(n, STT_MAXLEN, IFLA_STT_LABEL_POLICY, policy);
}

static void stt_parse_ageing(struct nlmsghdr *n, const char *arg)
{
	__u32 val = 0;

	if (strcmp(arg, "none") != 0 && get_u32(&val, arg, 0))
		invarg("\"ageing\" must be seconds or \"none\"", arg);
	addattr32(n, STT_MAXLEN, IFLA_STT_AGEING, val);
}

/* 0 would be no limit, which is hardly what it is meant for. */
static void stt_parse_limit(struct nlmsghdr *n, const char *arg)
{
	__u32 val = 0;

	if (strcmp(arg, "unlimited") != 0 && (get_u32(&val, arg, 0) || !val))
		invarg("\"maxaddress\" must be 1 or more, or \"unlimited\"",
		       arg);
	addattr32(n, STT_MAXLEN, IFLA_STT_LIMIT, val);
}

/* @seen has an option once; @flags says which of the flags in it are on. */
static void stt_parse_flag(struct nlmsghdr *n, const struct stt_flag *flag,
			   bool on, __u64 *seen, __u64 *flags, const char *arg)
{
	__u64 bit = 1ULL << flag->attr;

	if (*seen & bit && !(*flags & bit) == on) {
		fprintf(stderr,
			"Error: \"%s\" and \"no%s\" contradict each other.\n",
			flag->name, flag->name);
		exit(-1);
	}
	check_duparg(seen, flag->attr, flag->name, arg);
	if (on)
		*flags |= bit;
	addattr8(n, STT_MAXLEN, flag->attr, on);
}

/* What one device has one of: a peer, or a group. */
static void stt_check_peer(__u64 *seen, bool group, const char *arg)
{
	const char *key = group ? "group" : "remote";
	__u64 other = 1ULL << (group ? STT_SEEN_REMOTE : STT_SEEN_GROUP);

	if (*seen & other) {
		fprintf(stderr,
			"Error: \"remote\" and \"group\" exclude each other: a device has one peer or one group.\n");
		exit(-1);
	}
	check_duparg(seen, group ? STT_SEEN_GROUP : STT_SEEN_REMOTE, key, arg);
	*seen |= 1ULL << IFLA_STT_REMOTE;
}

static const struct stt_flag *stt_find_flag(const char *arg, bool *on)
{
	unsigned int i;

	*on = strncmp(arg, "no", 2) != 0;
	if (!*on)
		arg += 2;

	for (i = 0; i < ARRAY_SIZE(stt_flags); i++)
		if (strcmp(arg, stt_flags[i].name) == 0)
			return &stt_flags[i];
	return NULL;
}

/*
 * Encodes what was said and nothing else: defaults, and whether options go
 * together, are the kernel's to decide, and its extended ack says why not.
 */
static int stt_parse_opt(struct link_util *lu, int argc, char **argv,
			 struct nlmsghdr *n)
{
	bool any_remote = false, any_local = false;
	int family = AF_UNSPEC, af;
	__u64 seen = 0, flags = 0;

	while (argc > 0) {
		bool on;
		const struct stt_flag *flag = stt_find_flag(*argv, &on);

		if (flag) {
			stt_parse_flag(n, flag, on, &seen, &flags, *argv);
		} else if (strcmp(*argv, "id") == 0 ||
			   strcmp(*argv, "key") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_ID, "id", *argv);
			addattr64(n, STT_MAXLEN, IFLA_STT_ID,
				  stt_parse_id(*argv));
		} else if (strcmp(*argv, "remote") == 0) {
			NEXT_ARG();
			stt_check_peer(&seen, false, *argv);
			af = stt_parse_addr(n, IFLA_STT_REMOTE, *argv, false,
					    "\"remote\" must be a unicast address or \"any\"; \"group\" takes multicast");
			any_remote = af == AF_UNSPEC;
			family = any_remote ? family : af;
		} else if (strcmp(*argv, "group") == 0) {
			NEXT_ARG();
			stt_check_peer(&seen, true, *argv);
			family = stt_parse_addr(n, IFLA_STT_REMOTE, *argv, true,
						"\"group\" must be a multicast address; \"remote\" takes unicast");
		} else if (strcmp(*argv, "local") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_LOCAL, "local", *argv);
			af = stt_parse_addr(n, IFLA_STT_LOCAL, *argv, false,
					    "\"local\" must be a unicast address or \"any\"");
			any_local = af == AF_UNSPEC;
			family = any_local ? family : af;
		} else if (strcmp(*argv, "dev") == 0) {
			unsigned int link;

			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_LINK, "dev", *argv);
			link = ll_name_to_index(*argv);
			if (!link)
				exit(nodev(*argv));
			addattr32(n, STT_MAXLEN, IFLA_STT_LINK, link);
		} else if (strcmp(*argv, "dstport") == 0) {
			__u16 port;

			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_PORT, "dstport", *argv);
			if (get_u16(&port, *argv, 0))
				invarg("\"dstport\" must be a port number",
				       *argv);
			addattr16(n, STT_MAXLEN, IFLA_STT_PORT, htons(port));
		} else if (strcmp(*argv, "srcport") == 0) {
			const char *min;

			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_PORT_RANGE, "srcport",
				     *argv);
			min = *argv;
			NEXT_ARG();
			stt_parse_srcport(n, min, *argv);
		} else if (strcmp(*argv, "ttl") == 0 ||
			   strcmp(*argv, "hoplimit") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_TTL, "ttl", *argv);
			stt_parse_ttl(n, *argv);
		} else if (strcmp(*argv, "tos") == 0 ||
			   strcmp(*argv, "dsfield") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_TOS, "tos", *argv);
			stt_parse_tos(n, *argv);
		} else if (strcmp(*argv, "df") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_DF, "df", *argv);
			stt_parse_df(n, *argv);
		} else if (strcmp(*argv, "flowlabel") == 0 ||
			   strcmp(*argv, "label") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_LABEL, "flowlabel",
				     *argv);
			stt_parse_label(n, *argv);
		} else if (strcmp(*argv, "fwmark") == 0) {
			__u32 mark;

			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_FWMARK, "fwmark", *argv);
			if (get_u32(&mark, *argv, 0))
				invarg("\"fwmark\" must be a number of at most 32 bits",
				       *argv);
			addattr32(n, STT_MAXLEN, IFLA_STT_FWMARK, mark);
		} else if (strcmp(*argv, "idbits") == 0) {
			__u8 bits;

			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_IDBITS, "idbits", *argv);
			if (get_u8(&bits, *argv, 0) || bits < 1 ||
			    bits > STT_IDBITS_MAX)
				invarg("\"idbits\" must be 1-64", *argv);
			addattr8(n, STT_MAXLEN, IFLA_STT_IDBITS, bits);
		} else if (strcmp(*argv, "ageing") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_AGEING, "ageing", *argv);
			stt_parse_ageing(n, *argv);
		} else if (strcmp(*argv, "maxaddress") == 0) {
			NEXT_ARG();
			check_duparg(&seen, IFLA_STT_LIMIT, "maxaddress",
				     *argv);
			stt_parse_limit(n, *argv);
		} else {
			if (strcmp(*argv, "help") == 0)
				explain();
			else
				stt_unknown(*argv);
			return -1;
		}
		argc--, argv++;
	}

	if (family == AF_UNSPEC)
		family = preferred_family;
	if (any_remote)
		stt_add_any(n, IFLA_STT_REMOTE, family);
	if (any_local)
		stt_add_any(n, IFLA_STT_LOCAL, family);

	/* "ip -6" asks for IPv6 where nothing else says which family. */
	if ((n->nlmsg_flags & (NLM_F_CREATE | NLM_F_REPLACE)) == NLM_F_CREATE &&
	    preferred_family == AF_INET6 &&
	    !(seen & (1ULL << IFLA_STT_REMOTE | 1ULL << IFLA_STT_LOCAL |
		      1ULL << IFLA_STT_COLLECT_METADATA)))
		addattr_l(n, STT_MAXLEN, IFLA_STT_REMOTE6, &in6addr_any,
			  sizeof(in6addr_any));

	return 0;
}

static void stt_print_peer(struct rtattr *tb[])
{
	if (tb[IFLA_STT_REMOTE]) {
		__be32 addr = rta_getattr_u32(tb[IFLA_STT_REMOTE]);
		const char *name = format_host(AF_INET, sizeof(addr), &addr);

		if (IN_MULTICAST(ntohl(addr)))
			print_string(PRINT_ANY, "group", "group %s ", name);
		else if (addr)
			print_string(PRINT_ANY, "remote", "remote %s ", name);
	} else if (tb[IFLA_STT_REMOTE6]) {
		struct in6_addr addr;
		const char *name;

		memcpy(&addr, RTA_DATA(tb[IFLA_STT_REMOTE6]), sizeof(addr));
		name = format_host(AF_INET6, sizeof(addr), &addr);
		if (IN6_IS_ADDR_MULTICAST(&addr))
			print_string(PRINT_ANY, "group6", "group %s ", name);
		else
			print_string(PRINT_ANY, "remote6", "remote %s ", name);
	}
}

static void stt_print_local(struct rtattr *tb[])
{
	if (tb[IFLA_STT_LOCAL]) {
		__be32 addr = rta_getattr_u32(tb[IFLA_STT_LOCAL]);

		if (addr)
			print_string(PRINT_ANY, "local", "local %s ",
				     format_host(AF_INET, sizeof(addr), &addr));
	} else if (tb[IFLA_STT_LOCAL6]) {
		struct in6_addr addr;

		memcpy(&addr, RTA_DATA(tb[IFLA_STT_LOCAL6]), sizeof(addr));
		if (!IN6_IS_ADDR_UNSPECIFIED(&addr))
			print_string(PRINT_ANY, "local6", "local %s ",
				     format_host(AF_INET6, sizeof(addr),
						 &addr));
	}
}

static void stt_print_srcport(struct rtattr *attr)
{
	struct ifla_stt_port_range range;

	memcpy(&range, RTA_DATA(attr), sizeof(range));
	open_json_object("port_range");
	print_uint(PRINT_ANY, "low", "srcport %u ", ntohs(range.low));
	print_uint(PRINT_ANY, "high", "%u ", ntohs(range.high));
	close_json_object();
}

/* JSON keeps one type for each key: inheriting has a key of its own. */
static void stt_print_ttl(struct rtattr *tb[])
{
	if (tb[IFLA_STT_TTL_INHERIT] &&
	    rta_getattr_u8(tb[IFLA_STT_TTL_INHERIT])) {
		print_bool(PRINT_JSON, "ttl_inherit", NULL, true);
		print_string(PRINT_FP, NULL, "ttl %s ", "inherit");
	} else if (tb[IFLA_STT_TTL]) {
		__u8 ttl = rta_getattr_u8(tb[IFLA_STT_TTL]);

		if (ttl || is_json_context())
			print_uint(PRINT_ANY, "ttl", "ttl %u ", ttl);
		else
			print_string(PRINT_FP, NULL, "ttl %s ", "auto");
	}
}

static void stt_print_tos(struct rtattr *attr)
{
	__u8 tos = rta_getattr_u8(attr);

	if (tos == 1)
		print_string(PRINT_ANY, "tos", "tos %s ", "inherit");
	else if (tos || is_json_context())
		print_0xhex(PRINT_ANY, "tos", "tos %#llx ", tos);
}

static void stt_print_label(struct rtattr *tb[])
{
	__u32 policy = STT_LABEL_FIXED;
	__u32 label = 0;

	if (tb[IFLA_STT_LABEL_POLICY])
		policy = rta_getattr_u32(tb[IFLA_STT_LABEL_POLICY]);
	if (tb[IFLA_STT_LABEL])
		label = ntohl(rta_getattr_u32(tb[IFLA_STT_LABEL]));

	if (policy == STT_LABEL_INHERIT)
		print_string(PRINT_ANY, "label", "flowlabel %s ", "inherit");
	else if (label || (tb[IFLA_STT_LABEL] && is_json_context()))
		print_0xhex(PRINT_ANY, "label", "flowlabel %#llx ", label);
}

/*
 * JSON has every flag.  Plain output has both states of what is on by
 * default, and of the others those that are on, unless more detail is wanted.
 */
static void stt_print_flag(const struct stt_flag *flag, bool on)
{
	print_bool(PRINT_JSON, flag->name, NULL, on);
	if (!on && (flag->dfl || show_details > 1))
		print_string(PRINT_FP, NULL, "no%s ", flag->name);
	else if (on)
		print_string(PRINT_FP, NULL, "%s ", flag->name);
}

static void stt_print_opt(struct link_util *lu, FILE *f, struct rtattr *tb[])
{
	unsigned int i;

	if (!tb)
		return;

	if (tb[IFLA_STT_ID])
		print_lluint(PRINT_ANY, "id", "id %llu ",
			     rta_getattr_u64(tb[IFLA_STT_ID]));

	stt_print_peer(tb);
	stt_print_local(tb);

	if (tb[IFLA_STT_LINK]) {
		unsigned int link = rta_getattr_u32(tb[IFLA_STT_LINK]);

		if (link)
			print_string(PRINT_ANY, "link", "dev %s ",
				     ll_index_to_name(link));
	}

	if (tb[IFLA_STT_PORT_RANGE])
		stt_print_srcport(tb[IFLA_STT_PORT_RANGE]);

	if (tb[IFLA_STT_PORT])
		print_uint(PRINT_ANY, "port", "dstport %u ",
			   ntohs(rta_getattr_u16(tb[IFLA_STT_PORT])));

	stt_print_ttl(tb);

	if (tb[IFLA_STT_TOS])
		stt_print_tos(tb[IFLA_STT_TOS]);

	if (tb[IFLA_STT_DF]) {
		__u8 df = rta_getattr_u8(tb[IFLA_STT_DF]);

		if (df < ARRAY_SIZE(stt_df_names))
			print_string(PRINT_ANY, "df", "df %s ",
				     stt_df_names[df]);
	}

	stt_print_label(tb);

	if (tb[IFLA_STT_FWMARK]) {
		__u32 mark = rta_getattr_u32(tb[IFLA_STT_FWMARK]);

		if (mark || is_json_context())
			print_0xhex(PRINT_ANY, "fwmark", "fwmark %#llx ", mark);
	}

	if (tb[IFLA_STT_IDBITS])
		print_uint(PRINT_ANY, "idbits", "idbits %u ",
			   rta_getattr_u8(tb[IFLA_STT_IDBITS]));

	if (tb[IFLA_STT_AGEING]) {
		__u32 age = rta_getattr_u32(tb[IFLA_STT_AGEING]);

		if (age || is_json_context())
			print_uint(PRINT_ANY, "ageing", "ageing %u ", age);
		else
			print_string(PRINT_FP, NULL, "ageing %s ", "none");
	}

	if (tb[IFLA_STT_LIMIT]) {
		__u32 limit = rta_getattr_u32(tb[IFLA_STT_LIMIT]);

		if (limit || is_json_context())
			print_uint(PRINT_ANY, "limit", "maxaddress %u ", limit);
	}

	for (i = 0; i < ARRAY_SIZE(stt_flags); i++)
		if (tb[stt_flags[i].attr])
			stt_print_flag(&stt_flags[i],
				       rta_getattr_u8(tb[stt_flags[i].attr]));
}

static void stt_print_help(struct link_util *lu, int argc, char **argv, FILE *f)
{
	print_explain(f);
}

struct link_util stt_link_util = {
	.id		= "stt",
	.maxattr	= IFLA_STT_MAX,
	.parse_opt	= stt_parse_opt,
	.print_opt	= stt_print_opt,
	.print_help	= stt_print_help,
};
