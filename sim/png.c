/* A small PNG writer for flat drawings: 4-bit indexed pixels, one fixed-Huffman deflate block whose only
 * matches repeat the byte before or the line above. A 1080x1080 picture of few shapes takes some kilobytes.
 * Pure.
 */
#include "encode.h"

struct bits {
    struct buf *b;
    uint32_t held;
    unsigned count;
};

static void bits_put(struct bits *o, uint32_t value, unsigned n)
{
    o->held |= value << o->count;
    o->count += n;
    while (o->count >= 8) {
        buf_put_c(o->b, (char)(o->held & 0xFF));
        o->held >>= 8;
        o->count -= 8;
    }
}

/* Huffman codes go out with their highest bit first. */
static void code_put(struct bits *o, uint32_t code, unsigned n)
{
    uint32_t turned = 0;
    for (unsigned i = 0; i < n; i++)
        turned |= ((code >> i) & 1U) << (n - 1 - i);
    bits_put(o, turned, n);
}

static void symbol_put(struct bits *o, unsigned s)
{
    if (s < 144)
        code_put(o, 0x30 + s, 8);
    else if (s < 256)
        code_put(o, 0x190 + s - 144, 9);
    else if (s < 280)
        code_put(o, s - 256, 7);
    else
        code_put(o, 0xC0 + s - 280, 8);
}

static void distance_put(struct bits *o, unsigned distance)
{
    unsigned symbol = 0, base = 1, extra = 0;
    for (symbol = 0; symbol < 30; symbol++) {
        extra = symbol < 4 ? 0 : symbol / 2 - 1;
        if (distance < base + (1U << extra))
            break;
        base += 1U << extra;
    }
    code_put(o, symbol, 5);
    bits_put(o, distance - base, extra);
}

/* Only the length 258 (symbol 285, no extra bits) and short ones 3..10 (symbols 257..264) are used. */
static void match_put(struct bits *o, unsigned length, unsigned distance)
{
    symbol_put(o, length == 258 ? 285 : 254 + length);
    distance_put(o, distance);
}

static size_t same_run(const unsigned char *data, size_t n, size_t at, size_t distance)
{
    size_t run = 0;
    if (distance > at)
        return 0;
    while (at + run < n && run < 258 && data[at + run] == data[at + run - distance])
        run++;
    return run;
}

static void deflate_put(struct buf *b, const unsigned char *data, size_t n, size_t line)
{
    struct bits o = {.b = b};
    bits_put(&o, 1, 1);
    bits_put(&o, 1, 2);
    for (size_t i = 0; i < n;) {
        size_t left = same_run(data, n, i, 1), above = same_run(data, n, i, line);
        size_t run = above > left ? above : left, distance = above > left ? line : 1;
        run = run == 258 ? 258 : run > 10 ? 10 : run;
        if (run < 3) {
            symbol_put(&o, data[i++]);
            continue;
        }
        match_put(&o, (unsigned)run, (unsigned)distance);
        i += run;
    }
    symbol_put(&o, 256);
    if (o.count > 0)
        bits_put(&o, 0, 8 - o.count);
}

static uint32_t crc_of(str s)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned char)s.p[i];
        for (int k = 0; k < 8; k++)
            crc = (crc & 1U) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
    }
    return crc ^ 0xFFFFFFFF;
}

static uint32_t adler_of(const unsigned char *data, size_t n)
{
    uint32_t a = 1, c = 0;
    for (size_t i = 0; i < n; i++) {
        a = (a + data[i]) % 65521;
        c = (c + a) % 65521;
    }
    return c << 16 | a;
}

static void put_u32(struct buf *b, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_put_c(b, (char)(v >> shift & 0xFF));
}

static void put_chunk(struct buf *b, const char *type, str data)
{
    struct buf whole;
    buf_init(&whole, NULL, data.n + 8);
    buf_put(&whole, str_of(type));
    buf_put(&whole, data);
    put_u32(b, (uint32_t)data.n);
    buf_put(b, buf_str(&whole));
    put_u32(b, crc_of(buf_str(&whole)));
    buf_release(&whole);
}

static void put_picture(struct buf *b, unsigned side, const unsigned char *pixels)
{
    size_t line = (side + 1) / 2 + 1, n = line * side;
    unsigned char *packed = mem_new(n);
    for (unsigned y = 0; y < side; y++)
        for (unsigned x = 0; x < side; x++)
            packed[y * line + 1 + x / 2] |=
                (unsigned char)((pixels[(size_t)y * side + x] & 15U) << (x % 2 == 0 ? 4 : 0));
    struct buf z;
    buf_init(&z, NULL, n * 2 + 64);
    buf_put(&z, STR("\x78\x01"));
    deflate_put(&z, packed, n, line);
    put_u32(&z, adler_of(packed, n));
    put_chunk(b, "IDAT", buf_str(&z));
    buf_release(&z);
    mem_free(packed);
}

void put_png(struct buf *b, unsigned side, const unsigned char *pixels, const struct rgb *colours, unsigned n)
{
    struct buf part;
    buf_init(&part, NULL, 128);
    put_u32(&part, side);
    put_u32(&part, side);
    buf_put(&part, (str){"\x04\x03\x00\x00\x00", 5}); /* 4 bits, palette */
    buf_put(b, (str){"\x89PNG\r\n\x1a\n", 8});
    put_chunk(b, "IHDR", buf_str(&part));
    buf_clear(&part);
    for (unsigned i = 0; i < n && i < 16; i++) {
        buf_put_c(&part, (char)colours[i].r);
        buf_put_c(&part, (char)colours[i].g);
        buf_put_c(&part, (char)colours[i].b);
    }
    put_chunk(b, "PLTE", buf_str(&part));
    put_picture(b, side, pixels);
    put_chunk(b, "IEND", STR(""));
    buf_release(&part);
}
