/* embed: turns a folder of built console files into one C source with a constant table (src/app/assets.h).
 *
 * embed DIR OUT.c. Runs on every build and needs nothing but the C library; OUT.c is only touched when its
 * content changes. A missing DIR gives the page below, so that the C build works without Node.js. Fails on an
 * unreadable file or a name that could not stand in a URL path.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILES = 512, MAX_PATH = 1024 };

struct file {
    char disk[MAX_PATH];
    char path[MAX_PATH];
};
static struct file files[MAX_FILES];
static size_t n_files;

static const char missing_page[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>mozflow-tiktok</title></head>\n"
    "<body><h1>The console was not built</h1>\n"
    "<p>This program was compiled without its web console. Run <code>./dev build</code> to include it. "
    "All other functions work.</p>\n"
    "<p lang=\"th\">โปรแกรมนี้สร้างขึ้นโดยไม่มีหน้าเว็บสำหรับผู้ดูแล โปรดเรียกใช้ <code>./dev build</code> "
    "เพื่อรวมหน้าเว็บดังกล่าว ส่วนการทำงานอื่นใช้งานได้ตามปกติ</p></body></html>\n";

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
};

static _Noreturn void fail(const char *what, const char *name)
{
    fprintf(stderr, "embed: %s: %s\n", what, name);
    exit(1);
}

static const char *type_of(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t k = strlen(types[i].ending);
        if (n > k && strcmp(path + n - k, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* Names are quoted into C and served as URL paths: letters, digits and -_. only. */
static bool plain_name(const char *name)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return name[0] != '.' && name[strspn(name, plain)] == '\0';
}

static void join(char out[MAX_PATH], const char *a, const char *b)
{
    int n = snprintf(out, MAX_PATH, "%s/%s", a, b);
    if (n < 0 || n >= MAX_PATH)
        fail("name too long", b);
}

static void collect(const char *disk, const char *path)
{
    DIR *d = opendir(disk);
    if (!d)
        fail(strerrorname_np(errno), disk);
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (!plain_name(e->d_name))
            fail("a name that cannot stand in a URL", e->d_name);
        char sub[MAX_PATH], name[MAX_PATH];
        join(sub, disk, e->d_name);
        join(name, path, e->d_name);
        struct stat st;
        if (stat(sub, &st) != 0)
            fail(strerrorname_np(errno), sub);
        if (S_ISDIR(st.st_mode)) {
            collect(sub, name);
            continue;
        }
        if (n_files == MAX_FILES)
            fail("too many files", disk);
        memcpy(files[n_files].disk, sub, MAX_PATH);
        memcpy(files[n_files++].path, name, MAX_PATH);
    }
    closedir(d);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

/* Writes `static const unsigned char fN[] = {...}` and returns the hash and length. */
static size_t put_bytes(FILE *out, size_t i, FILE *in, const char *text, uint64_t *hash)
{
    size_t n = 0;
    *hash = 0xcbf29ce484222325u;
    fprintf(out, "static const unsigned char f%zu[] = {", i);
    for (int c; (c = in ? getc(in) : (unsigned char)text[n]) != EOF && (in || text[n]); n++) {
        fprintf(out, "%s%d,", n % 32 == 0 ? "\n" : "", c);
        *hash = (*hash ^ (unsigned)c) * 0x100000001b3u;
    }
    fputs("0};\n", out);
    return n;
}

static void put_row(FILE *rows, size_t i, const char *path, size_t n, uint64_t hash)
{
    bool immutable = strncmp(path, "/assets/", 8) == 0;
    fprintf(rows, "    {\"%s\", \"%s\", \"\\\"%016llx\\\"\", %s, f%zu, %zu},\n", path, type_of(path),
            (unsigned long long)hash, immutable ? "true" : "false", i, n);
}

static void put_files(FILE *out, FILE *rows)
{
    for (size_t i = 0; i < n_files; i++) {
        FILE *in = fopen(files[i].disk, "rb");
        if (!in)
            fail(strerrorname_np(errno), files[i].disk);
        uint64_t hash;
        size_t n = put_bytes(out, i, in, NULL, &hash);
        if (ferror(in))
            fail("cannot be read", files[i].disk);
        fclose(in);
        put_row(rows, i, files[i].path, n, hash);
    }
    if (n_files == 0) {
        uint64_t hash;
        size_t n = put_bytes(out, 0, NULL, missing_page, &hash);
        put_row(rows, 0, "/index.html", n, hash);
    }
}

static void put_all(FILE *out)
{
    char *row_text = NULL;
    size_t row_n = 0;
    FILE *rows = open_memstream(&row_text, &row_n);
    if (!rows)
        fail(strerrorname_np(errno), "memory");
    fputs("/* Made by tools/embed.c. Do not edit. */\n#include \"app/assets.h\"\n", out);
    put_files(out, rows);
    fclose(rows);
    fprintf(out, "const struct console_asset console_assets[] = {\n%s};\n", row_text);
    fputs("const size_t console_assets_n = sizeof(console_assets) / sizeof(console_assets[0]);\n", out);
    fprintf(out, "const bool console_assets_built = %s;\n", n_files ? "true" : "false");
    free(row_text);
}

static bool same_as_file(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t at = 0;
    int c;
    while ((c = getc(f)) != EOF && at < n && (unsigned char)text[at] == c)
        at++;
    fclose(f);
    return c == EOF && at == n;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: embed DIR OUT.c\n");
        return 2;
    }
    struct stat st;
    char index[MAX_PATH];
    join(index, argv[1], "index.html");
    if (stat(index, &st) == 0)
        collect(argv[1], "");
    qsort(files, n_files, sizeof files[0], by_path);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        fail(strerrorname_np(errno), "memory");
    put_all(out);
    if (fclose(out) != 0)
        fail(strerrorname_np(errno), "memory");
    if (!same_as_file(argv[2], text, n)) {
        FILE *f = fopen(argv[2], "wb");
        if (!f || fwrite(text, 1, n, f) != n || fclose(f) != 0)
            fail(strerrorname_np(errno), argv[2]);
    }
    free(text);
    return 0;
}
