// SPDX-License-Identifier: GPL-2.0
/* Random numbers, bytes that are damaged, checksums. */
#include <string.h>

#include "fuzz.h"

static u64 state;

void rng_seed(u64 seed)
{
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	rnd(1);
}

u32 rnd(u32 below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;

	return ((state * 0x2545f4914f6cdd1dull >> 32) * below) >> 32;
}

bool one_in(u32 n)
{
	return !rnd(n);
}

/* Small ones are likelier; those at the end are not forgotten. */
u32 rnd_size(u32 most)
{
	u32 cap;

	if (one_in(8))
		return most - (most ? rnd(most < 16 ? most : 16) : 0);
	cap = 1u << rnd(17);

	return rnd((cap < most ? cap : most) + 1);
}

void rnd_fill(u8 *to, unsigned int len)
{
	while (len--)
		*to++ = rnd(256);
}

void put16(u8 *to, u16 v)
{
	to[0] = v >> 8;
	to[1] = v;
}

void put32(u8 *to, u32 v)
{
	put16(to, v >> 16);
	put16(to + 2, v);
}

u16 get16(const u8 *from)
{
	return from[0] << 8 | from[1];
}

u32 get32(const u8 *from)
{
	return (u32)get16(from) << 16 | get16(from + 2);
}

u32 sum16(const u8 *p, unsigned int len, u32 sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += get16(p);
	if (len)
		sum += *p << 8;

	return sum;
}

u16 fold(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);

	return sum;
}

static const u16 odd_values[] = {
	0, 1, 2, 4, 5, 14, 17, 18, 19, 20, 32, 40, 46, 47, 48, 49, 60, 255,
	256, 535, 536, 1023, 1024, 1280, 1400, 1448, 1460, 4095, 4096, 7471,
	0x7fff, 0x8000, 0x8001, 0x8100, 0x86dd, 0x88a8, 0x0800, 65449, 65463,
	65483, 65495, 65515, 65533, 65534, 65535,
};

static u16 odd_value(void)
{
	return odd_values[rnd(ARRAY_SIZE(odd_values))];
}

/**
 * damage - change some bytes
 * @p: bytes
 * @len: how many there are; may change
 * @from: where to begin
 * @to: where to end, most of the time
 * @most: what @len may become
 * @times: at most so many changes
 */
void damage(u8 *p, unsigned int *len, unsigned int from, unsigned int to,
	    unsigned int most, unsigned int times)
{
	unsigned int n = rnd(times + 1);

	while (n--) {
		unsigned int end = one_in(8) ? *len : to, at, k;

		if (end > *len)
			end = *len;
		if (end <= from)
			return;
		at = from + rnd(end - from);
		switch (rnd(8)) {
		case 0:
		case 1:
			p[at] ^= 1 << rnd(8);
			break;
		case 2:
			p[at] = rnd(256);
			break;
		case 3:
		case 4:
			if (at + 2 <= *len)
				put16(p + at, odd_value());
			break;
		case 5:
			p[at] += one_in(2) ? 1 : -1;
			break;
		case 6:
			k = 1 + rnd(8);
			if (at + k <= *len) {
				memmove(p + at, p + at + k, *len - at - k);
				*len -= k;
			}
			break;
		case 7:
			k = 1 + rnd(8);
			if (*len + k <= most) {
				memmove(p + at + k, p + at, *len - at);
				*len += k;
			}
			break;
		}
	}
}
