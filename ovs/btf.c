// SPDX-License-Identifier: GPL-2.0
/*
 * btf BASE MODULE [STRUCT[:LAST] | FUNCTION/ARGS]... - print the layout of a
 * module's structures from its BTF; runs on the build machine
 *
 * BASE has the types that the module's BTF refers to: vmlinux, or raw BTF as in
 * /sys/kernel/btf.  MODULE is the uncompressed module.  For each structure, up
 * to its member LAST if that is given, it prints
 *
 *	#define OVS_BTF_OFFSETS_STRUCT(M) M(struct STRUCT, MEMBER, OFFSET); ...
 *	#define OVS_BTF_SIZES_STRUCT(M) M(struct STRUCT, MEMBER, SIZE); ...
 *	#define OVS_BTF_HAS_STRUCT_MEMBER
 *	#define OVS_BTF_SIZE_STRUCT SIZE
 *
 * with OFFSET and SIZE in bytes.  A function has to exist with ARGS arguments.
 * Prints what is missing, if anything, and fails.
 */
#include <fcntl.h>
#include <linux/btf.h>
#include <linux/elf.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct btf {
	const struct btf *base;
	const char *path;
	const char *strs;
	__u32 strs_len;
	__u32 strs_start;	/* offset of our first string */
	const struct btf_type **types;
	__u32 n_types;
	__u32 first;		/* id of our first type */
};

static void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Files in /sys report no useful size: read until the end. */
static char *slurp(const char *path, size_t *len)
{
	size_t room = 1 << 20;
	char *data = malloc(room);
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		die("cannot read %s", path);
	for (*len = 0; data; *len += n) {
		n = read(fd, data + *len, room - *len);
		if (n <= 0)
			break;
		if (*len + n < room)
			continue;
		room *= 2;
		data = realloc(data, room);
	}
	close(fd);
	if (!data || n < 0)
		die("cannot read %s", path);

	return data;
}

/* Find the section .BTF of a 64-bit ELF file in host byte order. */
static const char *find_section(const char *data, size_t *len)
{
	const struct elf64_hdr *eh = (const void *)data;
	const struct elf64_shdr *sh, *names;
	int i;

	if (*len < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_shoff > *len || eh->e_shstrndx >= eh->e_shnum ||
	    (*len - eh->e_shoff) / sizeof(*sh) < eh->e_shnum)
		return NULL;
	sh = (const void *)(data + eh->e_shoff);
	names = &sh[eh->e_shstrndx];
	if (names->sh_offset > *len || names->sh_size > *len - names->sh_offset)
		return NULL;
	for (i = 1; i < eh->e_shnum; i++) {
		if (sh[i].sh_name + sizeof(".BTF") > names->sh_size ||
		    strcmp(data + names->sh_offset + sh[i].sh_name, ".BTF"))
			continue;
		if (sh[i].sh_type == SHT_NOBITS || sh[i].sh_offset > *len ||
		    sh[i].sh_size > *len - sh[i].sh_offset)
			return NULL;
		*len = sh[i].sh_size;
		return data + sh[i].sh_offset;
	}

	return NULL;
}

/* Size of the data after struct btf_type; exits on an unknown kind. */
static size_t type_tail(const struct btf *btf, const struct btf_type *t)
{
	unsigned int n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case 17:			/* DECL_TAG */
		return sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	case 19:			/* ENUM64 */
		return n * 3 * sizeof(__u32);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case 16:			/* FLOAT */
	case 18:			/* TYPE_TAG */
		return 0;
	}
	die("%s: unknown kind of BTF: %u", btf->path, BTF_INFO_KIND(t->info));
	return 0;
}

static void load(struct btf *btf, const char *path, const struct btf *base)
{
	const struct btf_header *h;
	const char *data, *pos, *end;
	size_t len, tail;

	data = slurp(path, &len);
	h = (const void *)data;
	if (len < sizeof(*h) || h->magic != BTF_MAGIC)
		data = find_section(data, &len);
	h = (const void *)data;
	if (!data || len < sizeof(*h) || h->magic != BTF_MAGIC ||
	    h->hdr_len > len || h->type_off > len - h->hdr_len ||
	    h->type_len > len - h->hdr_len - h->type_off ||
	    h->str_off > len - h->hdr_len ||
	    h->str_len > len - h->hdr_len - h->str_off || !h->str_len)
		die("%s has no BTF", path);

	memset(btf, 0, sizeof(*btf));
	btf->base = base;
	btf->path = path;
	btf->strs = data + h->hdr_len + h->str_off;
	btf->strs_len = h->str_len;
	btf->strs_start = base ? base->strs_len : 0;
	btf->first = base ? base->first + base->n_types : 1;
	if (btf->strs[h->str_len - 1])
		die("%s: its BTF is broken", path);
	btf->types = calloc(h->type_len / sizeof(**btf->types) + 1,
			    sizeof(*btf->types));
	if (!btf->types)
		die("no memory");

	pos = data + h->hdr_len + h->type_off;
	for (end = pos + h->type_len; pos < end; pos += tail) {
		const struct btf_type *t = (const void *)pos;

		pos += sizeof(*t);
		if (pos > end)
			die("%s: its BTF is broken", path);
		tail = type_tail(btf, t);
		if (tail > (size_t)(end - pos))
			die("%s: its BTF is broken", path);
		btf->types[btf->n_types++] = t;
	}
}

static const char *name(const struct btf *btf, __u32 off)
{
	if (off < btf->strs_start)
		return name(btf->base, off);
	off -= btf->strs_start;

	return off < btf->strs_len ? btf->strs + off : "";
}

static const struct btf_type *type(const struct btf *btf, __u32 id)
{
	if (id < btf->first)
		return btf->base && id ? type(btf->base, id) : NULL;
	id -= btf->first;

	return id < btf->n_types ? btf->types[id] : NULL;
}

static __u32 size_of(const struct btf *btf, __u32 id)
{
	const struct btf_type *t;
	int depth;

	for (depth = 0; depth < 32; depth++) {
		const struct btf_array *array;

		t = type(btf, id);
		if (!t)
			break;
		switch (BTF_INFO_KIND(t->info)) {
		case BTF_KIND_PTR:
			return sizeof(__u64);
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case 16:		/* FLOAT */
		case 19:		/* ENUM64 */
			return t->size;
		case BTF_KIND_ARRAY:
			array = (const void *)(t + 1);
			return array->nelems * size_of(btf, array->type);
		}
		id = t->type;
	}
	die("%s: its BTF does not fit to that of the kernel", btf->path);
	return 0;
}

/* Find a type among the module's own, without those of the base. */
static const struct btf_type *find(const struct btf *btf, unsigned int kind,
				   const char *what)
{
	__u32 i;

	for (i = 0; i < btf->n_types; i++) {
		const struct btf_type *t = btf->types[i];

		if (BTF_INFO_KIND(t->info) == kind &&
		    !strcmp(name(btf, t->name_off), what))
			return t;
	}

	return NULL;
}

static void print_struct(const struct btf *btf, const char *what,
			 const char *last)
{
	const struct btf_type *t = find(btf, BTF_KIND_STRUCT, what);
	const struct btf_member *m;
	__u32 i, n, off;

	if (!t)
		die("it has no struct %s", what);
	m = (const void *)(t + 1);
	n = BTF_INFO_VLEN(t->info);
	for (i = 0; last && i < n; i++)
		if (!strcmp(name(btf, m[i].name_off), last))
			break;
	if (last && i == n)
		die("its struct %s has no %s", what, last);
	if (last)
		n = i + 1;

	printf("#define OVS_BTF_SIZE_%s %u\n", what, t->size);
	for (i = 0; i < n; i++) {
		off = m[i].offset;
		if (BTF_INFO_KFLAG(t->info) || off % 8)
			die("its struct %s has bit fields", what);
		printf("#define OVS_BTF_HAS_%s_%s\n", what,
		       name(btf, m[i].name_off));
	}
	printf("#define OVS_BTF_OFFSETS_%s(M)", what);
	for (i = 0; i < n; i++)
		printf(" \\\n\tM(struct %s, %s, %u);", what,
		       name(btf, m[i].name_off), m[i].offset / 8);
	printf("\n#define OVS_BTF_SIZES_%s(M)", what);
	for (i = 0; i < n; i++)
		printf(" \\\n\tM(struct %s, %s, %u);", what,
		       name(btf, m[i].name_off), size_of(btf, m[i].type));
	printf("\n");
}

static void check_function(const struct btf *btf, const char *what,
			   unsigned int args)
{
	const struct btf_type *t = find(btf, BTF_KIND_FUNC, what);

	if (t)
		t = type(btf, t->type);
	if (!t || BTF_INFO_KIND(t->info) != BTF_KIND_FUNC_PROTO)
		die("it has no %s()", what);
	if (BTF_INFO_VLEN(t->info) != args)
		die("its %s() takes %u arguments, not %u", what,
		    BTF_INFO_VLEN(t->info), args);
}

int main(int argc, char **argv)
{
	struct btf base, module;
	char *sep;
	int i;

	if (argc < 3)
		die("usage: btf BASE MODULE [STRUCT[:LAST] | FUNCTION/ARGS]...");
	load(&base, argv[1], NULL);
	load(&module, argv[2], &base);
	for (i = 3; i < argc; i++) {
		sep = strpbrk(argv[i], ":/");
		if (sep && *sep == '/') {
			*sep = 0;
			check_function(&module, argv[i], atoi(sep + 1));
			continue;
		}
		if (sep)
			*sep++ = 0;
		print_struct(&module, argv[i], sep);
	}

	return 0;
}
