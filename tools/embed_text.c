/* embed_text: writes text files as one C table of {name, bytes} (src/app/guides.h). embed_text OUT FILE...:
 * the name is the file's without folder and ".md". Fails on an unreadable file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void fail(const char *what, const char *name)
{
    fprintf(stderr, "embed_text: %s: %s\n", what, name);
    exit(1);
}

/* A string literal may not be longer than 4,095 bytes, an array may. */
static void put_file(FILE *out, int number, const char *path)
{
    FILE *in = fopen(path, "r");
    int c, column = 0;
    if (in == NULL)
        fail("cannot be opened", path);
    fprintf(out, "static const unsigned char text_%d[] = {", number);
    while ((c = getc(in)) != EOF)
        fprintf(out, "%s%d,", column++ % 24 == 0 ? "\n" : "", c);
    fputs("0};\n", out);
    if (ferror(in) != 0 || fclose(in) != 0)
        fail("cannot be read", path);
}

static void put_name(FILE *out, int number, const char *path)
{
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    size_t n = strlen(name);
    if (n < 4 || strcmp(name + n - 3, ".md") != 0)
        fail("does not end in .md", path);
    fprintf(out, "    {\"%.*s\", text_%d, sizeof(text_%d) - 1},\n", (int)(n - 3), name, number, number);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        fail("usage", "embed_text OUT FILE...");
    FILE *out = fopen(argv[1], "w");
    if (out == NULL)
        fail("cannot be written", argv[1]);
    fputs("#include \"app/guides.h\"\n", out);
    for (int i = 2; i < argc; i++)
        put_file(out, i, argv[i]);
    fputs("const struct guide_text guide_texts[] = {\n", out);
    for (int i = 2; i < argc; i++)
        put_name(out, i, argv[i]);
    fputs("};\nconst size_t guide_texts_n = sizeof(guide_texts) / sizeof(guide_texts[0]);\n", out);
    if (fclose(out) != 0)
        fail("cannot be written", argv[1]);
    return 0;
}
