/* Build tool: writes files as one C table (assets.h). embed OUT FILE...; the path is "/sim/" and the file's
 * name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot != NULL && strcmp(dot, ".css") == 0)
        return "text/css; charset=utf-8";
    if (dot != NULL && strcmp(dot, ".js") == 0)
        return "text/javascript; charset=utf-8";
    return "image/svg+xml";
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int write_bytes(FILE *out, int index, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return 0;
    fprintf(out, "static const unsigned char file_%d[] = {", index);
    int c, n = 0;
    while ((c = getc(in)) != EOF)
        fprintf(out, "%s%d,", n++ % 24 == 0 ? "\n    " : "", c);
    fprintf(out, "\n    0};\n");
    fclose(in);
    return 1;
}

int main(int argc, char **argv)
{
    FILE *out = argc > 2 ? fopen(argv[1], "w") : NULL;
    if (out == NULL)
        return 1;
    fprintf(out, "#include \"assets.h\"\n");
    for (int i = 2; i < argc; i++)
        if (!write_bytes(out, i, argv[i]))
            return 1;
    fprintf(out, "const struct sim_asset sim_assets[] = {\n");
    for (int i = 2; i < argc; i++)
        fprintf(out, "    {\"/sim/%s\", \"%s\", file_%d, sizeof file_%d - 1},\n", base_name(argv[i]),
                type_of(argv[i]), i, i);
    fprintf(out, "};\nconst size_t sim_assets_n = sizeof sim_assets / sizeof sim_assets[0];\n");
    return fclose(out) == 0 ? 0 : 1;
}
