// SPDX-License-Identifier: GPL-2.0
/*
 * insn.c - a plugin of QEMU's that counts instructions by address
 *
 * What the guest executes between the two marks of sockbench, at the end of
 * every measurement as one line "ADDRESS COUNT" for each block of code in the
 * kernel and one for all of user space, behind a line "mark N".  For
 * qemu-plugin.h's version 1, as QEMU 5 to 8 have it.  Distributions do not
 * package that header: the few declarations of it are here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { INLINE_ADD_U64 };
enum { CB_NO_REGS };

#define EXPORT __attribute__((visibility("default")))

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
		int op, void *ptr, uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
		void (*cb)(unsigned int cpu, void *data), int flags,
		void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

struct block {
	struct block	*next;
	struct block	*all;
	uint64_t	addr;
	uint64_t	count;
	uint64_t	begin;
};

#define BUCKETS		65536
static struct block *buckets[BUCKETS], *blocks, user;
static FILE *out;
static int number;

static struct block *find(uint64_t addr)
{
	struct block **head = &buckets[addr * 0x9e3779b97f4a7c15 >> 48], *b;

	/* The upper half is the kernel's. */
	if (!(addr >> 63))
		return &user;
	for (b = *head; b; b = b->next)
		if (b->addr == addr)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->addr = addr;
	b->next = *head;
	*head = b;
	b->all = blocks;
	blocks = b;

	return b;
}

static void begin(unsigned int cpu, void *data)
{
	struct block *b;

	user.begin = user.count;
	for (b = blocks; b; b = b->all)
		b->begin = b->count;
}

static void end(unsigned int cpu, void *data)
{
	struct block *b;

	fprintf(out, "mark %d\n0 %" PRIu64 "\n", number++,
		user.count - user.begin);
	for (b = blocks; b; b = b->all)
		if (b->count != b->begin)
			fprintf(out, "%" PRIx64 " %" PRIu64 "\n", b->addr,
				b->count - b->begin);
	fflush(out);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const unsigned char magic[] = { 0x0f, 0x1f, 0x80, 'S', 'T', 'T' };
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	uint64_t addr = qemu_plugin_tb_vaddr(tb);

	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64,
						 &find(addr)->count, n);
	if (addr >> 63)
		return;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *data = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) == sizeof(magic) + 1 &&
		    !memcmp(data, magic, sizeof(magic)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn,
				data[sizeof(magic)] == '1' ? begin : end,
				CB_NO_REGS, NULL);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			       char **argv)
{
	if (argc < 1 || strncmp(argv[0], "out=", 4))
		return 1;
	out = fopen(argv[0] + 4, "w");
	if (!out)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);

	return 0;
}
