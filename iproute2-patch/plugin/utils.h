/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What iplink_stt.c takes from iproute2's utils.h, libnetlink.h, ll_map.h and
 * json_print.h.  Distributions ship no such headers; their ip exports the
 * functions, because it looks up its own link kinds with dlsym().
 *
 * Compared with the stock binaries of iproute2 6.1, 6.15 and 7.3.  Only what
 * all of them have stands here: matches(), which changed its type, does not.
 */
#ifndef _STT_PLUGIN_UTILS_H
#define _STT_PLUGIN_UTILS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/socket.h>		/* before linux/rtnetlink.h: sa_family_t */
#include <asm/types.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define ARRAY_SIZE(x)	(sizeof(x) / sizeof((x)[0]))

extern int preferred_family;		/* ip -4, ip -6 */
extern int show_details;		/* how many times -d was given */

/* Complaints; none of them returns except nodev(), with ip's exit status. */
noreturn void incomplete_command(void);
noreturn void invarg(const char *msg, const char *arg);
noreturn void duparg2(const char *key, const char *arg);
int nodev(const char *dev);

#define NEXT_ARG()							\
	do {								\
		argv++;							\
		if (--argc <= 0)					\
			incomplete_command();				\
	} while (0)

/* Numbers: 0, or -1 when @arg is none or too large for the type. */
int get_u64(__u64 *val, const char *arg, int base);
int get_u32(__u32 *val, const char *arg, int base);
int get_u16(__u16 *val, const char *arg, int base);
int get_u8(__u8 *val, const char *arg, int base);

typedef struct {
	__u16 flags;		/* ADDRTYPE_* */
	__u16 bytelen;
	__s16 bitlen;
	__u16 family;
	__u32 data[64];
} inet_prefix;

static_assert(sizeof(inet_prefix) == 264, "not ip's inet_prefix");

enum {
	ADDRTYPE_INET	= 1 << 1,
	ADDRTYPE_UNSPEC	= 1 << 2,
	ADDRTYPE_MULTI	= 1 << 3,
};

int get_addr_1(inet_prefix *dst, const char *arg, int family);
const char *format_host(int af, int len, const void *addr);

static inline void inet_prefix_reset(inet_prefix *p)
{
	p->flags = 0;
}

static inline bool is_addrtype_inet_multi(const inet_prefix *p)
{
	return (p->flags & ADDRTYPE_INET) && (p->flags & ADDRTYPE_MULTI);
}

static inline bool is_addrtype_inet_not_multi(const inet_prefix *p)
{
	return (p->flags & ADDRTYPE_INET) && !(p->flags & ADDRTYPE_MULTI);
}

/* Attributes into a request, and out of an answer. */
int addattr8(struct nlmsghdr *n, int maxlen, int type, __u8 data);
int addattr16(struct nlmsghdr *n, int maxlen, int type, __u16 data);
int addattr32(struct nlmsghdr *n, int maxlen, int type, __u32 data);
int addattr64(struct nlmsghdr *n, int maxlen, int type, __u64 data);
int addattr_l(struct nlmsghdr *n, int maxlen, int type, const void *data,
	      int alen);

static inline __u8 rta_getattr_u8(const struct rtattr *rta)
{
	__u8 val;

	memcpy(&val, RTA_DATA(rta), sizeof(val));
	return val;
}

static inline __u16 rta_getattr_u16(const struct rtattr *rta)
{
	__u16 val;

	memcpy(&val, RTA_DATA(rta), sizeof(val));
	return val;
}

static inline __u32 rta_getattr_u32(const struct rtattr *rta)
{
	__u32 val;

	memcpy(&val, RTA_DATA(rta), sizeof(val));
	return val;
}

static inline __u64 rta_getattr_u64(const struct rtattr *rta)
{
	__u64 val;

	memcpy(&val, RTA_DATA(rta), sizeof(val));
	return val;
}

/* Names of devices. */
unsigned int ll_name_to_index(const char *name);
const char *ll_index_to_name(unsigned int idx);

/*
 * Output.  ip has print_color_X() for each type X; print_X(), without colour,
 * is an inline function of its header.
 */
enum output_type {
	PRINT_FP	= 1,	/* plain only */
	PRINT_JSON	= 2,	/* JSON only */
	PRINT_ANY	= 4,
};

enum color_attr {
	COLOR_NONE	= 6,
};

bool is_json_context(void);
void open_json_object(const char *str);
void close_json_object(void);

#define STT_PLUGIN_PRINT(name, type)					\
	int print_color_##name(enum output_type t, enum color_attr color, \
			       const char *key, const char *fmt,	\
			       type value);				\
									\
	static inline int print_##name(enum output_type t, const char *key, \
				       const char *fmt, type value)	\
	{								\
		return print_color_##name(t, COLOR_NONE, key, fmt, value); \
	}

STT_PLUGIN_PRINT(bool, bool)
STT_PLUGIN_PRINT(string, const char *)
STT_PLUGIN_PRINT(uint, unsigned int)
STT_PLUGIN_PRINT(0xhex, unsigned long long)
STT_PLUGIN_PRINT(lluint, unsigned long long)

#undef STT_PLUGIN_PRINT

#endif /* _STT_PLUGIN_UTILS_H */
